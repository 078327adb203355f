#!/usr/bin/python3
"""Times softmax attention of one shape in PyTorch: forward, and forward with backward.

Prints one JSON object a line, with the fields of `attend bench attention --json`; like there, the fastest repeat counts.
Forms: "plain" is matmul, softmax, matmul; "function" is torch.nn.functional's own, where this version has one.
Needs Debian's python3-torch (scripts/setup peers).
"""

import argparse
import json
import math
import os
import sys
import time

import torch
from torch.nn import functional

OWN = getattr(functional, "scaled_dot_product_attention", getattr(functional, "_scaled_dot_product_attention", None))
NO_SUCH_FORM = 3


def attention(form, causal, length):
    """A function of q, k, v [batch, heads, length, dim]."""
    if form == "function":
        return lambda q, k, v: (lambda r: r[0] if isinstance(r, tuple) else r)(OWN(q, k, v, is_causal=causal))
    future = torch.ones(length, length, dtype=torch.bool).triu(1) if causal else None

    def plain(q, k, v):
        scores = (q @ k.transpose(2, 3)) * (1 / math.sqrt(q.shape[3]))
        if causal:
            scores = scores.masked_fill(future, -math.inf)
        return scores.softmax(3) @ v

    return plain


def best_of(body, seconds):
    body()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 2:
        begin = time.perf_counter()
        body()
        times.append(time.perf_counter() - begin)
    return min(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("batch", "length", "heads", "dim"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--precision", choices=["f32", "bf16"], required=True)
    parser.add_argument("--causal", action="store_true")
    parser.add_argument("--form", choices=["plain", "function"], default="plain")
    parser.add_argument("--seconds", type=float, default=2, help="of measuring, for each line")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()
    if options.form == "function" and OWN is None:
        print("torch_attention: this PyTorch has no scaled_dot_product_attention", file=sys.stderr)
        return NO_SUCH_FORM
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[options.precision]
    shape = (options.batch, options.heads, options.length, options.dim)
    q, k, v, cotangent = (torch.randn(shape, dtype=dtype) for _ in range(4))
    function = attention(options.form, options.causal, options.length)

    def forward():
        with torch.no_grad():
            function(q, k, v)

    def train():
        leaves = [x.detach().requires_grad_() for x in (q, k, v)]
        torch.autograd.backward(function(*leaves), cotangent)

    for name, body in (("attention_forward", forward), ("attention_train", train)):
        print(json.dumps({"name": name, "dtype": options.precision, "form": options.form,
                          "ms": 1e3 * best_of(body, options.seconds)}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
