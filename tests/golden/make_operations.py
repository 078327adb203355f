"""Writes operations.safetensors: arithmetic, reductions, softmax and shape operations by PyTorch 1.13, for tests/op.

    python3 tests/golden/make_operations.py
"""

import torch

from golden import Golden


def arithmetic(golden):
    a, b = golden.normal(2, 3, 5), golden.uniform(3, 1, low=0.5, high=2)
    for name in ("add", "sub", "mul", "div", "maximum", "minimum"):
        golden.case(name, getattr(torch, name), a, b)
    # Equal operands share the gradient.
    golden.case("maximum_tie", torch.maximum, a[0], a[0].clone())
    positive = golden.uniform(4, 17, low=0.25, high=4)
    for name in ("log", "sqrt", "rsqrt"):
        golden.case(name, getattr(torch, name), positive)
    for name in ("neg", "exp", "square", "abs"):
        golden.case(name, getattr(torch, name), golden.normal(4, 17))


def reductions(golden):
    x = golden.normal(3, 4, 2, 5)
    golden.case("sum", torch.sum, x)
    golden.case("sum_1_3", lambda x: x.sum((1, 3)), x)
    golden.case("sum_0_keep", lambda x: x.sum(0, keepdim=True), x)
    golden.case("mean_0_2", lambda x: x.mean((0, 2)), x)
    golden.case("amax_1", lambda x: x.amax(1), x)
    golden.case("amax_tie", lambda x: x.amax((0, 1)), torch.tensor([[1.0, 2.0], [2.0, -1.0], [2.0, 0.0]]).double())


def softmax(golden):
    x = golden.normal(3, 2, 19)
    x[0, 1, 3:] = -torch.inf
    golden.case("softmax", lambda x: x.softmax(-1), x)
    x = golden.normal(3, 2, 19) * 8
    golden.case("log_softmax", lambda x: x.log_softmax(-1), x)


def shapes(golden):
    x = golden.normal(3, 4, 2)
    golden.case("permute_reshape", lambda x: x.permute(2, 0, 1).reshape(6, 4), x)
    golden.case("slice", lambda x: x[:, 1:3], x)
    golden.case("split", lambda x: x.split((1, 2, 1), 1), x)
    golden.case("concatenate", lambda a, b: torch.cat((a, b), 1), x, golden.normal(3, 1, 2))
    golden.case("expand", lambda a: a.expand(5, 3, 4), golden.normal(3, 1))
    mask = golden.mask(3, 4, 1)
    golden.case("where", torch.where, mask, x, golden.normal(4, 2))
    golden.case("gather", lambda x, i: x.gather(1, i), x, golden.integers(3, 5, 2, bound=4))
    golden.case("index_select", lambda x, i: x.index_select(1, i.flatten()), x,
                torch.tensor([3, 0, 3, 1, 3]).reshape(1, 5, 1))


def main():
    golden = Golden(seed=1)
    golden.case("matmul", torch.matmul, golden.normal(2, 1, 3, 4), golden.normal(3, 4, 5))
    arithmetic(golden)
    reductions(golden)
    softmax(golden)
    shapes(golden)
    golden.write("operations.safetensors")


if __name__ == "__main__":
    main()
