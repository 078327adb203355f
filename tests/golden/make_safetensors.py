"""Writes the files that tests/io/safetensors_test.cpp reads, with Python's safetensors library (0.8.0, numpy).

    pip install safetensors numpy && python3 tests/golden/make_safetensors.py
    python3 tests/golden/make_safetensors.py --check FILE    # does Python read a file that Attend wrote?
"""

import pathlib
import sys

import numpy
import safetensors
import safetensors.numpy

FOLDER = pathlib.Path(__file__).parent


def tensors():
    return {
        "weight.f32": numpy.arange(6, dtype=numpy.float32).reshape(2, 3) / 4 - 1,
        "big.f64": numpy.array([[1e300], [-0.0]], dtype=numpy.float64),
        "ids.i64": numpy.array([-(2**63), 2**63 - 1], dtype=numpy.int64),
        "ids.i32": numpy.array([[[-1, 7]]], dtype=numpy.int32),
        "bytes.u8": numpy.array([0, 127, 255], dtype=numpy.uint8),
        "mask.bool": numpy.array([True, False], dtype=numpy.bool_),
        "scalar": numpy.array(2.5, dtype=numpy.float32),
        "empty": numpy.zeros((0, 4), dtype=numpy.float32),
        "näme \"quoted\"": numpy.array([1.0], dtype=numpy.float32),
    }


def make():
    safetensors.numpy.save_file(tensors(), FOLDER / "python.safetensors", {"format": "np", "note": "größer\n"})
    # numpy has no bfloat16: 1.0, -2.0, 0.5 as raw bytes.
    raw = numpy.frombuffer(bytes.fromhex("803f00c0003f"), dtype=numpy.uint8)
    spec = safetensors.TensorSpec(dtype="bfloat16", shape=[3], data_ptr=raw.ctypes.data, data_len=raw.size)
    (FOLDER / "python_bf16.safetensors").write_bytes(safetensors.serialize({"half.bf16": spec}, None))
    half = {"x": numpy.zeros(2, dtype=numpy.float16)}
    safetensors.numpy.save_file(half, FOLDER / "python_f16.safetensors")


def check(path):
    with safetensors.safe_open(path, "numpy") as file:
        print("metadata", file.metadata())
        for name in file.keys():
            slice_ = file.get_slice(name)
            print(name, slice_.get_dtype(), slice_.get_shape(), end=" ")
            print("" if slice_.get_dtype() == "BF16" else file.get_tensor(name).tolist())
    found = dict(safetensors.deserialize(pathlib.Path(path).read_bytes()))
    for name, expected in tensors().items():
        if name in found and bytes(found[name]["data"]) != expected.tobytes():
            sys.exit(f"{name} differs")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--check"]:
        check(sys.argv[2])
    else:
        make()
