#!/usr/bin/python3
"""Times a training step of a GPT in PyTorch: forward, loss, backward, clipping, AdamW.

Prints one JSON object a line, with the fields of `attend bench --json`; like there, the fastest step counts. The model is the usual pre-norm decoder:
layer norm, fused projection to q, k and v, causal attention, GELU (tanh form), tied output embedding, biases.
Needs Debian's python3-torch (scripts/setup peers).
"""

import argparse
import contextlib
import json
import math
import os
import time

import torch
from torch import nn
from torch.nn import functional

SHAPES = {
    "d384": {"dim": 384, "layers": 6, "heads": 6, "context": 256, "batch": 16, "vocabulary": 65},
    "d128": {"dim": 128, "layers": 4, "heads": 4, "context": 64, "batch": 12, "vocabulary": 65},
}


class Block(nn.Module):
    def __init__(self, dim, heads, context):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.projection = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.up, self.down = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
        self.register_buffer("future", torch.ones(context, context, dtype=torch.bool).triu(1))

    def attend(self, x):
        batch, time_steps, dim = x.shape
        q, k, v = (part.view(batch, time_steps, self.heads, dim // self.heads).transpose(1, 2)
                   for part in self.qkv(x).split(dim, dim=2))
        scores = (q @ k.transpose(2, 3)) * (1 / math.sqrt(dim // self.heads))
        weights = scores.masked_fill(self.future[:time_steps, :time_steps], -math.inf).softmax(3)
        return self.projection((weights @ v).transpose(1, 2).reshape(batch, time_steps, dim))

    def forward(self, x):
        x = x + self.attend(self.norm1(x))
        return x + self.down(functional.gelu(self.up(self.norm2(x)), approximate="tanh"))


class GPT(nn.Module):
    def __init__(self, dim, layers, heads, context, vocabulary, **_):
        super().__init__()
        self.tokens, self.places = nn.Embedding(vocabulary, dim), nn.Embedding(context, dim)
        self.blocks = nn.ModuleList(Block(dim, heads, context) for _ in range(layers))
        self.norm = nn.LayerNorm(dim)
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, inputs, targets):
        x = self.tokens(inputs) + self.places.weight[: inputs.shape[1]]
        for block in self.blocks:
            x = block(x)
        logits = functional.linear(self.norm(x), self.tokens.weight)
        return functional.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())


def flops_of_step(dim, layers, context, batch, vocabulary, **_):
    """(6 P + 12 L d T) for each token; P: the parameters in matrix products, output projection included."""
    parameters = layers * 12 * dim * dim + vocabulary * dim
    return (6 * parameters + 12 * layers * dim * context) * batch * context


def measure(shape, dtype, seconds, warm_up):
    torch.manual_seed(1)
    model = GPT(**shape)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.99))
    tokens = torch.randint(shape["vocabulary"], (shape["batch"], shape["context"] + 1))
    inputs, targets = tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()

    def step():
        cast = torch.autocast("cpu", dtype=torch.bfloat16) if dtype == "bf16" else contextlib.nullcontext()
        with cast:
            loss = model(inputs, targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    for _ in range(warm_up):
        step()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        begin = time.perf_counter()
        loss = step()
        times.append(time.perf_counter() - begin)
    if not math.isfinite(loss):
        raise SystemExit(f"torch_train: the loss is {loss}")
    best = min(times)
    return {"name": "train", "dtype": dtype, "shape": shape, "ms": 1e3 * best,
            "gflops": flops_of_step(**shape) / best / 1e9,
            "tokens_per_second": shape["batch"] * shape["context"] / best}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, action="append", help="default: both")
    parser.add_argument("--precision", choices=["f32", "bf16"], action="append", help="default: both")
    parser.add_argument("--seconds", type=float, default=5, help="of measuring, for each line")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for shape in options.shape or SHAPES:
        for dtype in options.precision or ["f32", "bf16"]:
            print(json.dumps(measure(SHAPES[shape], dtype, options.seconds, warm_up=3)), flush=True)


if __name__ == "__main__":
    main()
