"""Writes contrastive.safetensors: the symmetric InfoNCE by PyTorch's cross_entropy, for tests/op.

    python3 tests/golden/make_contrastive.py
"""

import torch
import torch.nn.functional as F

from golden import Golden

golden = Golden(seed=12)


def loss(a, b, ignored=None, temperature=0.05):
    scores = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T / temperature
    if ignored is not None:
        scores = scores.masked_fill(ignored, -torch.inf)
    own = torch.arange(len(a))
    return (F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)) / 2


ignored = torch.zeros(5, 5, dtype=torch.bool)
ignored[0, 3] = ignored[3, 0] = ignored[2, 4] = True

golden.case("plain", lambda a, b: loss(a, b), golden.normal(7, 12), golden.normal(7, 12))
golden.case("ignored", lambda a, b: loss(a, b, ignored, 0.3), golden.normal(5, 6), golden.normal(5, 6))

golden.write("contrastive.safetensors")
