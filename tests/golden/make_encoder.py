"""Writes encoder.safetensors for tests/model/encoder_golden_test.cpp: encoders with every head on them, computed by
PyTorch in double precision.

    scripts/setup peers && python3 tests/golden/make_encoder.py

For each model NAME below: NAME/parameter/P (the weights), NAME/tokens, NAME/segments and NAME/masked [batch, length],
NAME/lengths and NAME/classes.I, NAME/start, NAME/end [batch], NAME/tags [batch, length]; NAME/features,
NAME/pooled.KIND, NAME/loss.PART for the parts "sequence", "token", "span" and "masked", and NAME/gradient/P of the sum
of these losses. A target of -1 does not count. Features at padding are zero in the file.
"""

import math

import torch
from torch.nn import functional

import golden

LENGTHS = [5, 3, 1]
CLASSES = [3, 2]
TAGS = 4
MODELS = {
    # BERT in small (Devlin et al., 2019).
    "bert": dict(vocabulary=11, layers=2, heads=2, key_heads=2, dim=8, feed_forward=32, norm="layer", embedding_norm=True,
                 post_norm=True, positions="learned", segments=2, activation="gelu", bias=True),
    "modern": dict(vocabulary=11, layers=1, heads=4, key_heads=2, dim=8, feed_forward=6, norm="rms", embedding_norm=False,
                   post_norm=False, positions="rotary", segments=0, activation="swiglu", bias=False),
    "plain": dict(vocabulary=7, layers=1, heads=2, key_heads=2, dim=8, feed_forward=32, norm="layer", embedding_norm=False,
                  post_norm=False, positions="sinusoidal", segments=0, activation="relu", bias=True),
}


def make_parameters(c, file):
    """Numbers larger than a real start, biases and norms included, so that an error anywhere shows."""
    p = {}
    dim, head = c["dim"], c["dim"] // c["heads"]

    def numbers(*shape):
        return file.normal(*shape).mul(0.25).bfloat16().double()

    def linear(name, rows, columns, bias):
        p[name + ".weight"] = numbers(rows, columns)
        if bias:
            p[name + ".bias"] = numbers(rows)

    def norm(name):
        p[name + ".weight"] = file.normal(dim).mul(0.25).add(1).bfloat16().double()
        if c["bias"] and c["norm"] == "layer":
            p[name + ".bias"] = numbers(dim)

    p["encoder.token_embedding.weight"] = numbers(c["vocabulary"], dim)
    if c["positions"] == "learned":
        p["encoder.position_embedding.weight"] = numbers(6, dim)
    if c["segments"]:
        p["encoder.segment_embedding.weight"] = numbers(c["segments"], dim)
    if c["embedding_norm"]:
        norm("encoder.embedding_norm")
    for i in range(c["layers"]):
        block = f"encoder.blocks.{i}."
        norm(block + "attention_norm")
        linear(block + "attention.qkv", (c["heads"] + 2 * c["key_heads"]) * head, dim, c["bias"])
        linear(block + "attention.output", dim, dim, c["bias"])
        norm(block + "feed_forward_norm")
        linear(block + "feed_forward.inner", c["feed_forward"] * (2 if c["activation"] == "swiglu" else 1), dim, c["bias"])
        linear(block + "feed_forward.output", dim, c["feed_forward"], c["bias"])
    if not c["post_norm"]:
        norm("encoder.norm")
    p["attention.query"] = file.normal(dim)
    for i, count in enumerate(CLASSES):
        linear(f"heads.{i}", count, dim, True)
    linear("tokens.linear", TAGS, dim, True)
    linear("span.linear", 2, dim, True)
    linear("masked.dense", dim, dim, True)
    norm("masked.norm")
    return p


def normalise(c, p, name, x):
    weight = p[name + ".weight"]
    if c["norm"] == "layer":
        return functional.layer_norm(x, weight.shape, weight, p.get(name + ".bias"), 1e-5)
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * weight


def linear(p, name, x):
    return functional.linear(x, p[name + ".weight"], p.get(name + ".bias"))


def positions(length, dim):
    """[length, dim / 2]: angles of sinusoidal and of rotary positions."""
    return torch.arange(length).double()[:, None] * 10000.0 ** (-torch.arange(0, dim, 2).double() / dim)


def rotate(x):
    d = x.shape[-1]
    angle = positions(x.shape[1], d)[:, None, :]
    a, b = x[..., : d // 2], x[..., d // 2:]
    return torch.cat([a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()], dim=-1)


def attention(c, p, name, x, real):
    batch, length, dim = x.shape
    heads, key_heads, d = c["heads"], c["key_heads"], dim // c["heads"]
    q, k, v = linear(p, name + ".qkv", x).split([heads * d, key_heads * d, key_heads * d], dim=-1)
    q, k, v = (t.view(batch, length, -1, d) for t in (q, k, v))
    if c["positions"] == "rotary":
        q, k = rotate(q), rotate(k)
    k, v = (t.repeat_interleave(heads // key_heads, dim=2) for t in (k, v))
    scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(d)
    scores = scores.masked_fill(~real[:, None, None, :], -math.inf)
    y = torch.einsum("bhqk,bkhd->bqhd", scores.softmax(-1), v)
    return linear(p, name + ".output", y.reshape(batch, length, dim))


def feed_forward(c, p, name, x):
    h = linear(p, name + ".inner", x)
    if c["activation"] == "swiglu":
        gate, value = h.chunk(2, dim=-1)
        h = functional.silu(gate) * value
    else:
        h = functional.gelu(h) if c["activation"] == "gelu" else functional.relu(h)
    return linear(p, name + ".output", h)


def encode(c, p, tokens, segments, real):
    x = functional.embedding(tokens, p["encoder.token_embedding.weight"])
    if c["positions"] == "learned":
        x = x + p["encoder.position_embedding.weight"][: tokens.shape[1]]
    elif c["positions"] == "sinusoidal":
        angle = positions(tokens.shape[1], c["dim"])
        x = x + torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)
    if c["segments"]:
        x = x + functional.embedding(segments, p["encoder.segment_embedding.weight"])
    if c["embedding_norm"]:
        x = normalise(c, p, "encoder.embedding_norm", x)
    for i in range(c["layers"]):
        block = f"encoder.blocks.{i}."
        look = lambda y: attention(c, p, block + "attention", y, real)
        think = lambda y: feed_forward(c, p, block + "feed_forward", y)
        for branch, norm in ((look, "attention_norm"), (think, "feed_forward_norm")):
            if c["post_norm"]:
                x = normalise(c, p, block + norm, x + branch(x))
            else:
                x = x + branch(normalise(c, p, block + norm, x))
    return x if c["post_norm"] else normalise(c, p, "encoder.norm", x)


def pool(p, x, real):
    mean = (x * real[..., None]).sum(1) / real.sum(1, keepdim=True)
    scores = (x @ p["attention.query"] / math.sqrt(x.shape[-1])).masked_fill(~real, -math.inf)
    weighted = (x * scores.softmax(-1)[..., None]).sum(1)
    return {"first": x[:, 0], "mean": mean, "attention": weighted}


def cross_entropy(logits, targets):
    return functional.cross_entropy(logits.flatten(0, -2), targets.flatten(), ignore_index=-1)


def losses(c, p, data, features, pooled, real):
    parts = {}
    parts["sequence"] = sum(cross_entropy(linear(p, f"heads.{i}", y), data[f"classes.{i}"])
                            for y in pooled.values() for i in range(len(CLASSES)))
    parts["token"] = cross_entropy(linear(p, "tokens.linear", features), data["tags"])
    spans = linear(p, "span.linear", features).masked_fill(~real[..., None], -math.inf)
    parts["span"] = cross_entropy(spans[..., 0], data["start"]) + cross_entropy(spans[..., 1], data["end"])
    hidden = normalise(c, p, "masked.norm", functional.gelu(linear(p, "masked.dense", features)))
    parts["masked"] = cross_entropy(hidden @ p["encoder.token_embedding.weight"].T, data["masked"])
    return parts


def main():
    file = golden.Golden(seed=2018)
    out = file.tensors
    lengths = torch.tensor(LENGTHS)
    batch, length = len(LENGTHS), max(LENGTHS)
    real = torch.arange(length)[None, :] < lengths[:, None]
    for name, c in MODELS.items():
        p = make_parameters(c, file)
        data = {"tokens": file.integers(batch, length, bound=c["vocabulary"]),
                "segments": file.integers(batch, length, bound=2), "lengths": lengths,
                "tags": file.integers(batch, length, bound=TAGS).masked_fill(~real, -1),
                "masked": file.integers(batch, length, bound=c["vocabulary"]).masked_fill(~real, -1)}
        data["masked"][0, 1] = data["masked"][1, 0] = -1
        for i, count in enumerate(CLASSES):
            data[f"classes.{i}"] = file.integers(batch, bound=count)
        data["classes.1"][2] = -1
        data["start"] = torch.tensor([1, 0, 0])
        data["end"] = torch.tensor([4, 2, 0])
        out.update({f"{name}/{key}": value for key, value in data.items()})
        out.update({f"{name}/parameter/{key}": value.clone() for key, value in p.items()})
        for value in p.values():
            value.requires_grad_()
        features = encode(c, p, data["tokens"], data["segments"], real)
        pooled = pool(p, features, real)
        parts = losses(c, p, data, features, pooled, real)
        sum(parts.values()).backward()
        out[f"{name}/features"] = features * real[..., None]
        out.update({f"{name}/pooled.{key}": value for key, value in pooled.items()})
        out.update({f"{name}/loss.{key}": value for key, value in parts.items()})
        out.update({f"{name}/gradient/{key}": value.grad.clone() for key, value in p.items()})
        print(name, {key: round(value.item(), 4) for key, value in parts.items()})
    file.write("encoder.safetensors")


main()
