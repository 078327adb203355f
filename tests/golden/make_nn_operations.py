"""Writes nn_operations.safetensors: activations, norms, embeddings, cross entropy and rotary positions by PyTorch 1.13,
for tests/op.

    python3 tests/golden/make_nn_operations.py
"""

import torch
from torch.nn import functional

from golden import Golden

golden = Golden(seed=2)

ACTIVATIONS = {
    "relu": functional.relu,
    "gelu": functional.gelu,
    "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "silu": functional.silu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}
for name, function in ACTIVATIONS.items():
    golden.case(f"activate_{name}", function, 3 * golden.normal(5, 19))
    golden.case(f"gated_{name}", lambda x, f=function: f(x[..., :9]) * x[..., 9:], golden.normal(2, 3, 18))


def rms_norm(x, weight):
    return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-5) * weight


def layer_norm(x, weight, bias):
    return functional.layer_norm(x, x.shape[-1:], weight, bias, 1e-5)


for width in (1, 7, 64, 65):
    x = golden.normal(2, 3, width) + 0.5
    golden.case(f"layer_norm_{width}", layer_norm, x, golden.normal(width), golden.normal(width))
    golden.case(f"rms_norm_{width}", rms_norm, x, golden.normal(width))
golden.case("add_layer_norm", lambda x, r, w, b: (x + r, layer_norm(x + r, w, b)), golden.normal(6, 33),
            golden.normal(6, 33), golden.normal(33), golden.normal(33))
golden.case("add_rms_norm", lambda x, r, w: (x + r, rms_norm(x + r, w)), golden.normal(6, 33), golden.normal(6, 33),
            golden.normal(33))

golden.case("embedding", lambda table, ids: functional.embedding(ids, table), golden.normal(11, 20),
            golden.integers(3, 7, bound=11))
golden.case("embed_tokens", lambda table, positions, ids: functional.embedding(ids, table) + positions[2:9],
            golden.normal(11, 20), golden.normal(12, 20), golden.integers(3, 7, bound=11))

logits, targets = 4 * golden.normal(3, 5, 67), golden.integers(3, 5, bound=67)
ignored = targets.clone()
ignored[0, 2] = ignored[2, 1] = -100
for name, labels, options in (
        ("mean", targets, {}), ("sum", targets, {"reduction": "sum"}), ("none", targets, {"reduction": "none"}),
        ("ignored", ignored, {}), ("ignored_none", ignored, {"reduction": "none"}),
        ("smooth", targets, {"label_smoothing": 0.1}),
        ("smooth_ignored", ignored, {"label_smoothing": 0.3}),
        ("smooth_none", ignored, {"label_smoothing": 0.3, "reduction": "none"})):
    def loss(scores, classes, options=options):
        return functional.cross_entropy(scores.flatten(0, 1), classes.flatten(), **options).reshape(
            classes.shape if options.get("reduction") == "none" else ())
    golden.case(f"cross_entropy_{name}", loss, logits, labels)
    golden.case(f"linear_cross_entropy_{name}", lambda x, w, t, f=loss: f(x @ w.T, t), golden.normal(3, 5, 12),
                golden.normal(67, 12), labels)


def rotary(x, offset):
    """Su et al. 2021 with complex numbers: the pair (x[c], x[c + d / 2]) is a number that is turned by an angle."""
    half = x.shape[-1] // 2
    frequency = 10000.0 ** (-torch.arange(half, dtype=torch.float64) / half)
    angle = (torch.arange(x.shape[1], dtype=torch.float64) + offset)[:, None] * frequency
    turned = torch.complex(x[..., :half], x[..., half:]) * torch.polar(torch.ones_like(angle), angle)[:, None]
    return torch.cat([turned.real, turned.imag], -1)


golden.case("rotary", lambda x: rotary(x, 0), golden.normal(2, 9, 3, 16))
golden.case("rotary_offset", lambda x: rotary(x, 5), golden.normal(2, 4, 3, 10))

golden.write("nn_operations.safetensors")
