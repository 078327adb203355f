"""Writes seq2seq.safetensors for tests/model/seq2seq_golden_test.cpp: whole encoder-decoder models computed by PyTorch in
double precision.

    scripts/setup peers && python3 tests/golden/make_seq2seq.py

For each model NAME below: NAME/parameter/P (the weights both sides start from), NAME/source [batch, length] and
NAME/lengths [batch] (tokens behind them are padding), NAME/target and NAME/targets [batch, length] (a target of -1 does
not count), NAME/logits, NAME/loss with label smoothing 0.1, and NAME/gradient/P (of the loss).
"""

import math

import torch
from torch.nn import functional

import golden

MODELS = {
    # Vaswani et al., 2017, in small: post-norm, one table of embeddings for all.
    "paper": dict(source_vocabulary=13, target_vocabulary=13, shared=True, tied=True, encoder_layers=2, decoder_layers=2,
                  heads=2, key_heads=2, dim=16, feed_forward=24, norm="layer", post_norm=True, positions="sinusoidal",
                  scaled=True, activation="relu", bias=True),
    # Two vocabularies, and what came later.
    "modern": dict(source_vocabulary=11, target_vocabulary=9, shared=False, tied=False, encoder_layers=2,
                   decoder_layers=1, heads=4, key_heads=2, dim=16, feed_forward=8, norm="rms", post_norm=False,
                   positions="rotary", scaled=False, activation="swiglu", bias=False),
    "learned": dict(source_vocabulary=7, target_vocabulary=12, shared=False, tied=True, encoder_layers=1,
                    decoder_layers=2, heads=2, key_heads=2, dim=8, feed_forward=12, norm="layer", post_norm=False,
                    positions="learned", scaled=True, activation="relu", bias=True),
}
CONTEXT = 7
SMOOTHING = 0.1


class Model:
    """Draws a parameter when it is first asked for: numbers larger than a real start, so that an error anywhere shows."""

    def __init__(self, c, file):
        self.c, self.file, self.p = c, file, {}

    def parameter(self, name, *shape, mean=0.0):
        if name not in self.p:
            self.p[name] = self.file.normal(*shape).mul(0.25).add(mean).bfloat16().double().requires_grad_()
        return self.p[name]

    def linear(self, name, x, rows):
        weight = self.parameter(name + ".weight", rows, x.shape[-1])
        return functional.linear(x, weight, self.parameter(name + ".bias", rows) if self.c["bias"] else None)

    def norm(self, name, x):
        dim = self.c["dim"]
        weight = self.parameter(name + ".weight", dim, mean=1.0)
        if self.c["norm"] == "rms":
            return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * weight
        return functional.layer_norm(x, (dim,), weight, self.parameter(name + ".bias", dim) if self.c["bias"] else None, 1e-5)

    def branch(self, name, x, function):
        if self.c["post_norm"]:
            return self.norm(name + "_norm", x + function(x))
        return x + function(self.norm(name + "_norm", x))

    def embed(self, side, tokens):
        c = self.c
        table = "embedding.weight" if c["shared"] else f"{side}_embedding.weight"
        x = functional.embedding(tokens, self.parameter(table, c[side + "_vocabulary"], c["dim"]))
        if c["scaled"]:
            x = x * math.sqrt(c["dim"])
        if c["positions"] == "sinusoidal":
            return x + sinusoids(tokens.shape[1], c["dim"])
        if c["positions"] == "learned":
            return x + self.parameter(f"{side}_position_embedding.weight", CONTEXT, c["dim"])[: tokens.shape[1]]
        return x

    def heads(self, x, count):
        return x.view(x.shape[0], x.shape[1], count, self.c["dim"] // self.c["heads"])

    def attend(self, name, q, k, v, allowed):
        """q, k and v [batch, length, heads, d]; allowed broadcasts to [batch, heads, queries, keys]."""
        k, v = (t.repeat_interleave(q.shape[2] // t.shape[2], dim=2) for t in (k, v))
        scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(q.shape[-1])
        weights = scores.masked_fill(~allowed, -math.inf).softmax(-1)
        y = torch.einsum("bhqk,bkhd->bqhd", weights, v)
        return self.linear(name + ".output", y.flatten(2), self.c["dim"])

    def self_attention(self, name, x, allowed):
        heads, key_heads, d = self.c["heads"], self.c["key_heads"], self.c["dim"] // self.c["heads"]
        q, k, v = self.linear(name + ".qkv", x, (heads + 2 * key_heads) * d).split([heads * d, key_heads * d, key_heads * d], -1)
        q, k, v = self.heads(q, heads), self.heads(k, key_heads), self.heads(v, key_heads)
        if self.c["positions"] == "rotary":
            q, k = rotate(q), rotate(k)
        return self.attend(name, q, k, v, allowed)

    def cross_attention(self, name, x, memory, allowed):
        heads, key_heads, d = self.c["heads"], self.c["key_heads"], self.c["dim"] // self.c["heads"]
        q = self.linear(name + ".query", x, heads * d)
        k, v = self.linear(name + ".key_value", memory, 2 * key_heads * d).split([key_heads * d, key_heads * d], -1)
        return self.attend(name, self.heads(q, heads), self.heads(k, key_heads), self.heads(v, key_heads), allowed)

    def feed_forward(self, name, x):
        inner = self.c["feed_forward"]
        if self.c["activation"] == "swiglu":
            gate, value = self.linear(name + ".inner", x, 2 * inner).chunk(2, dim=-1)
            return self.linear(name + ".output", functional.silu(gate) * value, self.c["dim"])
        return self.linear(name + ".output", functional.relu(self.linear(name + ".inner", x, inner)), self.c["dim"])

    def logits(self, source, lengths, target):
        c = self.c
        real = (torch.arange(source.shape[1])[None, :] < lengths[:, None])[:, None, None, :]
        causal = torch.ones(target.shape[1], target.shape[1]).tril().bool()
        memory = self.embed("source", source)
        for i in range(c["encoder_layers"]):
            block = f"encoder.{i}."
            memory = self.branch(block + "attention", memory, lambda x: self.self_attention(block + "attention", x, real))
            memory = self.branch(block + "feed_forward", memory, lambda x: self.feed_forward(block + "feed_forward", x))
        if not c["post_norm"]:
            memory = self.norm("encoder_norm", memory)
        x = self.embed("target", target)
        for i in range(c["decoder_layers"]):
            block = f"decoder.{i}."
            x = self.branch(block + "self_attention", x, lambda y: self.self_attention(block + "self_attention", y, causal))
            x = self.branch(block + "cross_attention", x,
                            lambda y: self.cross_attention(block + "cross_attention", y, memory, real))
            x = self.branch(block + "feed_forward", x, lambda y: self.feed_forward(block + "feed_forward", y))
        if not c["post_norm"]:
            x = self.norm("decoder_norm", x)
        output = "embedding.weight" if c["shared"] else "target_embedding.weight"
        if not c["tied"]:
            output = "output_embedding.weight"
        return x @ self.parameter(output, c["target_vocabulary"], c["dim"]).T


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


def smoothed_loss(logits, targets):
    log_p = logits.log_softmax(-1)
    counts = targets >= 0
    hit = log_p.gather(-1, targets.clamp(min=0)[..., None])[..., 0]
    return -((1 - SMOOTHING) * hit + SMOOTHING * log_p.mean(-1))[counts].mean()


def main():
    file = golden.Golden(seed=2017)
    out = file.tensors
    for name, c in MODELS.items():
        source = file.integers(3, CONTEXT, bound=c["source_vocabulary"])
        lengths = torch.tensor([CONTEXT, 3, 5])
        target = file.integers(3, CONTEXT - 1, bound=c["target_vocabulary"])
        targets = file.integers(3, CONTEXT - 1, bound=c["target_vocabulary"])
        targets[1, 4:] = targets[2, -1] = -1
        model = Model(c, file)
        logits = model.logits(source, lengths, target)
        loss = smoothed_loss(logits, targets)
        loss.backward()
        print(name, loss.item(), sum(value.numel() for value in model.p.values()))
        out.update({f"{name}/parameter/{key}": value.detach() for key, value in model.p.items()})
        out.update({f"{name}/gradient/{key}": value.grad for key, value in model.p.items()})
        out.update({f"{name}/source": source, f"{name}/lengths": lengths, f"{name}/target": target,
                    f"{name}/targets": targets, f"{name}/logits": logits.detach(), f"{name}/loss": loss.detach()})
    file.write("seq2seq.safetensors")


main()
