"""Writes attention_scores.safetensors: scores and positions of attention by PyTorch 1.13, for tests/attention.

    python3 tests/golden/make_attention_scores.py

Inputs are query [B, Q, H, D], key [B, K, G, D], value [B, K, G, E], then what the mechanism learns; the output is
[B, Q, H, E]. Queries and keys end together.
"""

import math

import torch
from torch.nn import functional

from golden import Golden

golden = Golden(seed=5)


def places(queries, keys):
    """Key minus query: [queries, keys]."""
    return torch.arange(keys)[None, :] - (torch.arange(queries)[:, None] + keys - queries)


def answer(scores, value, mask=None):
    """Softmax of [B, H, Q, K] and the values; the heads of keys are repeated."""
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return torch.einsum("bhqk,bkhe->bqhe", torch.softmax(scores, -1), repeated(value, scores.shape[1]))


def repeated(x, heads):
    return x.repeat_interleave(heads // x.shape[2], dim=2)


def dot(query, key):
    return torch.einsum("bqhd,bkhd->bhqk", query, repeated(key, query.shape[2]))


def scaled_dot(query, key):
    return dot(query, key) / math.sqrt(query.shape[-1])


def operands(batch=2, queries=5, keys=7, heads=4, key_heads=4, dim=6, value_dim=3, key_dim=None):
    return (golden.normal(batch, queries, heads, dim), golden.normal(batch, keys, key_heads, key_dim or dim),
            golden.normal(batch, keys, key_heads, value_dim))


golden.case("scaled_dot", lambda q, k, v: answer(scaled_dot(q, k), v), *operands())
golden.case("causal", lambda q, k, v: answer(scaled_dot(q, k), v, places(5, 7) <= 0), *operands())
golden.case("grouped", lambda q, k, v: answer(scaled_dot(q, k), v, places(5, 7) <= 0), *operands(key_heads=2))
golden.case("window", lambda q, k, v: answer(scaled_dot(q, k), v, (places(5, 7).abs() < 3)), *operands())
golden.case("soft_cap", lambda q, k, v: answer(2 * torch.tanh(scaled_dot(q, k) / 2), v), *operands())
golden.case("general", lambda q, k, v, w: answer(
    torch.einsum("bqhd,hde,bkhe->bhqk", q, w, k), v), *operands(key_dim=4), golden.normal(4, 6, 4))
golden.case("additive", lambda q, k, v, w, u, vector: answer(
    torch.einsum("bhqkn,hn->bhqk", torch.tanh(
        torch.einsum("hnd,bqhd->bhqn", w, q)[:, :, :, None] + torch.einsum("hnd,bkhd->bhkn", u, k)[:, :, None]),
        vector), v), *operands(key_dim=4), golden.normal(4, 8, 6), golden.normal(4, 8, 4), golden.normal(4, 8))
golden.case("cosine", lambda q, k, v, temperature: answer(
    dot(functional.normalize(q, dim=-1), functional.normalize(k, dim=-1)) / temperature.clamp(min=0.01)[:, None, None],
    v), *operands(), torch.tensor([0.5, 0.25, 1.0, 0.0078125]).double())
golden.case("euclidean", lambda q, k, v: answer(
    -torch.cdist(q.transpose(1, 2), k.transpose(1, 2), compute_mode="donot_use_mm_for_euclid_dist").square()
    / math.sqrt(q.shape[-1]), v), *operands())


def pearson(query, key):
    both = torch.cat([query[0, :, 0], key[0, :, 0]])
    return torch.corrcoef(both)[:query.shape[1], query.shape[1]:][None, None] * math.sqrt(query.shape[-1])


golden.case("pearson", lambda q, k, v: answer(pearson(q, k), v),
            *operands(batch=1, heads=1, key_heads=1))

golden.case("alibi", lambda q, k, v: answer(
    scaled_dot(q, k) + places(5, 7) * torch.tensor([2.0 ** (-8 * (h + 1) / 4) for h in range(4)])[:, None, None].double(),
    v, places(5, 7) <= 0), *operands())


def buckets(offsets, both_sides, count=8, last=12):
    """The formula of the T5 paper's appendix of code, in exact powers: edges at exact (last / exact)^(n / (count - exact))."""
    first = torch.zeros_like(offsets)
    if both_sides:
        count //= 2
        first = (offsets > 0) * count
        distance = offsets.abs()
    else:
        distance = (-offsets).clamp(min=0)
    exact = count // 2
    grown = exact + (torch.log(distance.clamp(min=1).double() / exact) / math.log(last / exact)
                     * (count - exact)).long()
    return first + torch.where(distance < exact, distance, grown.clamp(max=count - 1))


golden.case("buckets", lambda q, k, v, table: answer(dot(q, k) + table[:, buckets(places(17, 23), True)], v),
            *operands(batch=1, queries=17, keys=23, dim=2), golden.normal(4, 8))
golden.case("buckets_causal", lambda q, k, v, table: answer(
    dot(q, k) + table[:, buckets(places(17, 23), False)], v, places(17, 23) <= 0),
    *operands(batch=1, queries=17, keys=23, dim=2), golden.normal(4, 8))


def shaw(query, key, value, relative_keys, relative_values):
    index = places(query.shape[1], key.shape[1]).clamp(-2, 2) + 2
    scores = (dot(query, key) + torch.einsum("bqhd,qkd->bhqk", query, relative_keys[index])) / math.sqrt(query.shape[-1])
    weights = torch.softmax(scores, -1)
    return (torch.einsum("bhqk,bkhe->bqhe", weights, value)
            + torch.einsum("bhqk,qke->bqhe", weights, relative_values[index]))


golden.case("shaw", shaw, *operands(), golden.normal(5, 6), golden.normal(5, 3))


def transformer_xl(query, key, value, content_bias, position_bias, projection):
    width = projection.shape[-1]
    frequency = 10000.0 ** (-torch.arange(0, width, 2).double() / width)
    angle = -places(query.shape[1], key.shape[1]).double()[..., None] * frequency
    sinusoid = torch.cat([angle.sin(), angle.cos()], -1)
    relative = torch.einsum("hdw,qkw->qkhd", projection, sinusoid)
    scores = dot(query + content_bias, key) + torch.einsum("bqhd,qkhd->bhqk", query + position_bias, relative)
    mask = places(query.shape[1], key.shape[1]) <= 0
    return answer(scores / math.sqrt(query.shape[-1]), value, mask)


golden.case("transformer_xl", transformer_xl, *operands(), golden.normal(4, 6), golden.normal(4, 6),
            golden.normal(4, 6, 24))


def span(query, key, value, z):
    distance = places(query.shape[1], key.shape[1]).abs()
    soft = ((3 + 8 * z[:, None, None] - distance) / 3).clamp(0, 1)
    weights = soft * torch.exp(scaled_dot(query, key)) * (places(query.shape[1], key.shape[1]) <= 0)
    return torch.einsum("bhqk,bkhe->bqhe", weights / weights.sum(-1, keepdim=True), value)


golden.case("span", span, *operands(batch=1, queries=12, keys=15), torch.tensor([0.171875, 0.3125, 0.53125, 0.90625]).double())

golden.write("attention_scores.safetensors")
