"""Writes operations.safetensors: arithmetic, reductions, softmax and shape operations by PyTorch 1.13, for tests/op.

    python3 tests/golden/make_operations.py
"""

import torch

from golden import Golden


def main():
    golden = Golden(seed=1)
    golden.case("matmul", torch.matmul, golden.normal(2, 1, 3, 4), golden.normal(3, 4, 5))
    golden.write("operations.safetensors")


if __name__ == "__main__":
    main()
