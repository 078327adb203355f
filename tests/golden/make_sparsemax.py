"""Writes sparsemax.safetensors: sparsemax and entmax 1.5 from PyTorch's sort and cumsum, for tests/op.

    python3 tests/golden/make_sparsemax.py
"""

import torch

from golden import Golden

golden = Golden(seed=11)


def sparsemax(x):
    """Martins and Astudillo 2016, algorithm 1; PyTorch differentiates through the threshold."""
    ordered = x.sort(-1, descending=True).values
    rank = torch.arange(1, x.shape[-1] + 1, dtype=x.dtype)
    total = ordered.cumsum(-1)
    support = (1 + rank * ordered > total).sum(-1, keepdim=True)
    threshold = (total.gather(-1, support - 1) - 1) / support
    return (x - threshold).clamp(min=0)


def entmax15(x):
    """Peters et al. 2019, algorithm 2."""
    half = x / 2
    ordered = half.sort(-1, descending=True).values
    rank = torch.arange(1, x.shape[-1] + 1, dtype=x.dtype)
    mean = ordered.cumsum(-1) / rank
    spread = (ordered ** 2).cumsum(-1) - rank * mean ** 2
    with torch.no_grad():
        thresholds = mean - ((1 - spread) / rank).clamp(min=0).sqrt()
        support = (thresholds <= ordered).sum(-1, keepdim=True)
    chosen = ((1 - spread.gather(-1, support - 1)) / support).sqrt()
    return (half - (mean.gather(-1, support - 1) - chosen)).clamp(min=0) ** 2


def away_from_edges(function):
    """Scores none of which lies near the edge of the support, where there is no derivative."""
    while True:
        x = golden.normal(3, 7, 19)
        stable = all(((function(x + sign * 1e-3 * torch.eye(19).double()[i]) > 0) == (function(x) > 0)).all()
                     for i in range(19) for sign in (1, -1))
        if stable:
            return x


golden.case("sparsemax", sparsemax, away_from_edges(sparsemax))
golden.case("entmax15", entmax15, away_from_edges(entmax15))

golden.write("sparsemax.safetensors")
