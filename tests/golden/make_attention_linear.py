"""Writes attention_linear.safetensors: kernelised and Linformer attention by PyTorch 1.13, for tests/attention.

    python3 tests/golden/make_attention_linear.py
"""

import torch
from torch.nn import functional

from golden import Golden

golden = Golden(seed=31)


def kernelised(query, key, value, causal):
    """Katharopoulos et al. 2020 over [batch, length, heads, d], the weights written out."""
    weights = torch.einsum("bihd,bjhd->bhij", functional.elu(query) + 1, functional.elu(key) + 1)
    if causal:
        weights = weights.tril(key.shape[1] - query.shape[1])
    return torch.einsum("bhij,bjhd->bihd", weights / weights.sum(-1, keepdim=True), value)


def linformer(query, key, value, key_rows, value_rows):
    """Wang et al. 2020 with one projection for all heads; shorter sequences use its first columns."""
    length = key.shape[1]
    key = torch.einsum("rj,bjhd->brhd", key_rows[:, :length], key)
    value = torch.einsum("rj,bjhd->brhd", value_rows[:, :length], value)
    scores = torch.einsum("bihd,brhd->bhir", query, key) / query.shape[-1] ** 0.5
    return torch.einsum("bhir,brhd->bihd", scores.softmax(-1), value)


for name, queries, keys, causal in (("kernelised", 9, 13, False), ("kernelised_causal", 67, 67, True),
                                    ("kernelised_causal_longer_keys", 5, 8, True)):
    golden.case(name, lambda q, k, v, c=causal: kernelised(q, k, v, c), golden.normal(1, queries, 2, 4),
                golden.normal(1, keys, 2, 4), golden.normal(1, keys, 2, 3))
for name, keys in (("linformer", 12), ("linformer_shorter", 9)):
    golden.case(name, linformer, golden.normal(2, 7, 2, 8), golden.normal(2, keys, 2, 8),
                golden.normal(2, keys, 2, 5), golden.normal(4, 12), golden.normal(4, 12))

golden.write("attention_linear.safetensors")
