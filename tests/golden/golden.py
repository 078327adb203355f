"""What the make_*.py scripts share: cases computed by PyTorch in double precision, in one safetensors file.

A case is a function of tensors. Its file entries are NAME/input.I, NAME/output.I, NAME/cotangent.I (random, one for
each floating output) and NAME/gradient.I (of sum_i <cotangent_i, output_i>, one for each floating input). Floating
inputs and cotangents are rounded to bf16 values, so that every precision starts from the same numbers.
tests/support/golden.h reads them. Needs Debian's python3-torch (scripts/setup peers).
"""

import json
import pathlib
import struct

import torch

FOLDER = pathlib.Path(__file__).parent
DTYPES = {torch.float64: "F64", torch.int64: "I64", torch.bool: "BOOL"}


def write_safetensors(path, tensors):
    """The format by hand: 8 bytes of header length, JSON, data; large elements first, so that all are aligned."""
    header, data = {}, b""
    for name, tensor in sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0])):
        raw = tensor.detach().contiguous().numpy().tobytes()
        header[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % 64)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


class Golden:
    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)
        self.tensors = {}

    def normal(self, *shape):
        return self._rounded(torch.randn(shape, generator=self.generator, dtype=torch.float64))

    def uniform(self, *shape, low=0.0, high=1.0):
        numbers = torch.rand(shape, generator=self.generator, dtype=torch.float64)
        return self._rounded(low + (high - low) * numbers)

    def integers(self, *shape, bound):
        return torch.randint(0, bound, shape, generator=self.generator)

    def mask(self, *shape, probability=0.5):
        return torch.rand(shape, generator=self.generator) < probability

    def case(self, name, function, *inputs, cotangent=None):
        """Records function(*inputs), a tensor or a tuple of them, and its gradients. The cotangent of a single
        output may be given instead of drawn."""
        assert f"{name}/input.0" not in self.tensors, name
        leaves = [x.clone().requires_grad_(x.is_floating_point()) for x in inputs]
        outputs = function(*leaves)
        outputs = outputs if isinstance(outputs, (tuple, list)) else (outputs,)
        total = 0
        for i, x in enumerate(inputs):
            self.tensors[f"{name}/input.{i}"] = x
        for i, y in enumerate(outputs):
            self.tensors[f"{name}/output.{i}"] = y
            if y.is_floating_point():
                dy = self.normal(*y.shape) if cotangent is None else cotangent
                self.tensors[f"{name}/cotangent.{i}"] = dy
                total = total + (y * dy.double()).nan_to_num().sum()
        if isinstance(total, torch.Tensor) and total.requires_grad:
            total.backward()
        for i, x in enumerate(leaves):
            if x.grad is not None:
                self.tensors[f"{name}/gradient.{i}"] = x.grad

    def write(self, file_name):
        write_safetensors(FOLDER / file_name, self.tensors)

    @staticmethod
    def _rounded(numbers):
        return numbers.bfloat16().double()
