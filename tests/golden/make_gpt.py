"""Writes gpt.safetensors for tests/model/gpt_golden_test.cpp: whole GPT models computed by PyTorch in double precision.

    scripts/setup peers && python3 tests/golden/make_gpt.py

For each model NAME below: NAME/parameter/P (the weights both sides start from), NAME/tokens and NAME/targets [batch,
length] (a target of -1 does not count), NAME/logits, NAME/loss, NAME/gradient/P (of the loss), NAME/curve (the losses
before each of ten steps of AdamW on this batch, lr 1e-2, betas 0.9 and 0.95, eps 1e-8, decay 0.1 for matrices and 0 for
biases and norms, and the loss after them) and NAME/final/P (the weights after them).
"""

import math

import torch
from torch.nn import functional

import golden

MODELS = {
    # GPT-2 in small (Radford et al., 2019).
    "gpt2": dict(vocabulary=13, context=8, layers=2, heads=2, key_heads=2, dim=16, feed_forward=64, norm="layer",
                 positions="learned", activation="gelu_tanh", tied_embeddings=True, bias=True),
    # What LLaMA changed (Touvron et al., 2023), with grouped heads.
    "modern": dict(vocabulary=11, context=8, layers=2, heads=4, key_heads=2, dim=16, feed_forward=8, norm="rms",
                   positions="rotary", activation="swiglu", tied_embeddings=False, bias=False),
    # The first transformer's positions and activation.
    "classic": dict(vocabulary=7, context=8, layers=1, heads=2, key_heads=2, dim=8, feed_forward=32, norm="layer",
                    positions="sinusoidal", activation="relu", tied_embeddings=False, bias=True),
}


def make_parameters(c, file):
    """Numbers larger than a real start, biases and norms included, so that an error anywhere shows."""
    p = {}

    def matrix(name, rows, columns):
        p[name + ".weight"] = file.normal(rows, columns).mul(0.25).bfloat16().double()

    def linear(name, rows, columns):
        matrix(name, rows, columns)
        if c["bias"]:
            p[name + ".bias"] = file.normal(rows).mul(0.25).bfloat16().double()

    def norm(name):
        p[name + ".weight"] = file.normal(c["dim"]).mul(0.25).add(1).bfloat16().double()
        if c["bias"] and c["norm"] == "layer":
            p[name + ".bias"] = file.normal(c["dim"]).mul(0.25).bfloat16().double()

    dim, head = c["dim"], c["dim"] // c["heads"]
    matrix("token_embedding", c["vocabulary"], dim)
    if c["positions"] == "learned":
        matrix("position_embedding", c["context"], dim)
    for i in range(c["layers"]):
        block = f"blocks.{i}."
        norm(block + "attention_norm")
        linear(block + "attention.qkv", (c["heads"] + 2 * c["key_heads"]) * head, dim)
        linear(block + "attention.output", dim, dim)
        norm(block + "feed_forward_norm")
        inner = c["feed_forward"] * (2 if c["activation"] == "swiglu" else 1)
        linear(block + "feed_forward.inner", inner, dim)
        linear(block + "feed_forward.output", dim, c["feed_forward"])
    norm("norm")
    if not c["tied_embeddings"]:
        matrix("output_embedding", c["vocabulary"], dim)
    return p


def normalise(c, p, name, x):
    weight = p[name + ".weight"]
    if c["norm"] == "layer":
        return functional.layer_norm(x, weight.shape, weight, p.get(name + ".bias"), 1e-5)
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * weight


def linear(p, name, x):
    return functional.linear(x, p[name + ".weight"], p.get(name + ".bias"))


def sinusoids(length, dim):
    angle = torch.arange(length).double()[:, None] * 10000.0 ** (-torch.arange(0, dim, 2).double() / dim)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).reshape(length, dim)


def rotate(x):
    """x [batch, length, heads, d]: the pair (x_i, x_{i + d/2}) is turned by place * 10000^(-2i/d)."""
    d = x.shape[-1]
    angle = torch.arange(x.shape[1]).double()[:, None] * 10000.0 ** (-torch.arange(0, d, 2).double() / d)
    cos, sin = angle.cos()[:, None, :], angle.sin()[:, None, :]
    a, b = x[..., : d // 2], x[..., d // 2:]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)


def attention(c, p, name, x):
    batch, length, dim = x.shape
    heads, key_heads, d = c["heads"], c["key_heads"], dim // c["heads"]
    q, k, v = linear(p, name + ".qkv", x).split([heads * d, key_heads * d, key_heads * d], dim=-1)
    q = q.view(batch, length, heads, d)
    k, v = k.view(batch, length, key_heads, d), v.view(batch, length, key_heads, d)
    if c["positions"] == "rotary":
        q, k = rotate(q), rotate(k)
    k, v = (t.repeat_interleave(heads // key_heads, dim=2) for t in (k, v))
    scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(d)
    scores = scores.masked_fill(torch.ones(length, length).triu(1).bool(), -math.inf)
    y = torch.einsum("bhqk,bkhd->bqhd", scores.softmax(-1), v)
    return linear(p, name + ".output", y.reshape(batch, length, dim))


def feed_forward(c, p, name, x):
    h = linear(p, name + ".inner", x)
    if c["activation"] == "swiglu":
        gate, value = h.chunk(2, dim=-1)
        h = functional.silu(gate) * value
    elif c["activation"] == "gelu_tanh":
        h = 0.5 * h * (1 + torch.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * h**3)))
    else:
        h = functional.relu(h)
    return linear(p, name + ".output", h)


def forward(c, p, tokens, targets):
    length = tokens.shape[1]
    x = functional.embedding(tokens, p["token_embedding.weight"])
    if c["positions"] == "learned":
        x = x + p["position_embedding.weight"][:length]
    elif c["positions"] == "sinusoidal":
        x = x + sinusoids(length, c["dim"])
    for i in range(c["layers"]):
        block = f"blocks.{i}."
        x = x + attention(c, p, block + "attention", normalise(c, p, block + "attention_norm", x))
        x = x + feed_forward(c, p, block + "feed_forward", normalise(c, p, block + "feed_forward_norm", x))
    x = normalise(c, p, "norm", x)
    logits = x @ p["token_embedding.weight" if c["tied_embeddings"] else "output_embedding.weight"].T
    return logits, functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1)


def main():
    file = golden.Golden(seed=2019)
    out = file.tensors
    for name, c in MODELS.items():
        p = make_parameters(c, file)
        tokens = file.integers(3, c["context"], bound=c["vocabulary"])
        targets = file.integers(3, c["context"], bound=c["vocabulary"])
        targets[0, 0] = targets[2, -1] = -1
        out.update({f"{name}/parameter/{key}": value.clone() for key, value in p.items()})
        for value in p.values():
            value.requires_grad_()
        logits, loss = forward(c, p, tokens, targets)
        loss.backward()
        out.update({f"{name}/tokens": tokens, f"{name}/targets": targets, f"{name}/logits": logits, f"{name}/loss": loss})
        out.update({f"{name}/gradient/{key}": value.grad.clone() for key, value in p.items()})
        optimizer = torch.optim.AdamW([
            {"params": [value for value in p.values() if value.dim() >= 2], "weight_decay": 0.1},
            {"params": [value for value in p.values() if value.dim() < 2], "weight_decay": 0.0},
        ], lr=1e-2, betas=(0.9, 0.95), eps=1e-8)
        curve = []
        for _ in range(10):
            optimizer.zero_grad()
            _, loss = forward(c, p, tokens, targets)
            curve.append(loss.item())
            loss.backward()
            optimizer.step()
        curve.append(forward(c, p, tokens, targets)[1].item())
        print(name, [round(value, 4) for value in curve])
        out[f"{name}/curve"] = torch.tensor(curve, dtype=torch.float64)
        out.update({f"{name}/final/{key}": value.detach() for key, value in p.items()})
    file.write("gpt.safetensors")


main()
