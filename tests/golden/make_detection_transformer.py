"""Writes detection_transformer.safetensors for tests/model/detection_transformer_golden_test.cpp: a detection
transformer by PyTorch in double precision.

    python3 tests/golden/make_detection_transformer.py

Of each kind of query attention NAME there are NAME/parameters (all of them in one row, sorted by their names), and
NAME/logits and NAME/boxes of all layers of the decoder, [layers, batch, queries, ...], for the pictures "pictures".
"""

import math

import torch
from torch.nn import functional

from golden import Golden

golden = Golden(seed=53)
DIM, HEADS, QUERIES, INNER, WIDTH, CLASSES, LAYERS = 8, 2, 3, 6, 2, 2, 2


def sinusoids(count, dim):
    angles = torch.arange(count).double()[:, None] * 10000 ** (-torch.arange(0, dim, 2).double() / dim)
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)


def box_sines(boxes):
    """Sines and cosines in turn, of 1 to 32 periods, for each of the four numbers."""
    frequencies = 2 * math.pi * 32 ** (torch.arange(DIM // 4).double() / (DIM // 4))
    angles = boxes[..., None] * frequencies
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-3)


class Model:
    """One layer of the encoder, two of the decoder, over a pyramid of two stages and levels."""

    def __init__(self, modulated):
        self.p, self.modulated = {}, modulated
        self.conv("pyramid.stem", 1, WIDTH, bias=False)
        channels = WIDTH
        for stage, out in enumerate((WIDTH, 2 * WIDTH)):
            block = f"pyramid.stages.{stage}.0."
            self.norm(block + "norm1", channels)
            self.conv(block + "conv1", channels, out, bias=False)
            self.norm(block + "norm2", out)
            self.conv(block + "conv2", out, out, bias=False)
            self.conv(block + "shortcut", channels, out, kernel=1, bias=False)
            self.norm(f"pyramid.norms.{stage}", out)
            self.conv(f"pyramid.laterals.{stage}", out, DIM, kernel=1)
            self.conv(f"pyramid.smooth.{stage}", DIM, DIM)
            channels = out
        self.norm("encoder.0.attention_norm", DIM)
        self.self_attention("encoder.0.attention")
        self.feed_forward("encoder.0.")
        self.norm("encoder_norm", DIM)
        self.p["query_features"] = golden.normal(QUERIES, DIM)
        self.p["query_boxes"] = golden.normal(QUERIES, 4)
        self.linear("query_positions.inner", 2 * DIM, DIM)
        self.linear("query_positions.output", DIM, DIM)
        for i in range(LAYERS):
            name = f"decoder.{i}."
            self.norm(name + "self_attention_norm", DIM)
            self.self_attention(name + "self_attention")
            self.norm(name + "cross_attention_norm", DIM)
            self.linear(name + "cross_attention.query", DIM, DIM)
            self.linear(name + "cross_attention.key_value", DIM, 2 * DIM)
            self.linear(name + "cross_attention.output", DIM, DIM)
            if modulated:
                self.linear(name + "cross_attention.modulation", DIM, 4 * HEADS)
            self.feed_forward(name)
        self.norm("decoder_norm", DIM)
        self.linear("class_head", DIM, CLASSES + 1)
        self.linear("box_head.inner", DIM, DIM)
        self.linear("box_head.output", DIM, 4)

    def numbers(self, *shape):
        return golden.normal(*shape).mul(0.3).bfloat16().double()

    def norm(self, name, channels):
        self.p[name + ".weight"] = self.numbers(channels) + 1
        self.p[name + ".bias"] = self.numbers(channels)

    def conv(self, name, inputs, outputs, kernel=3, bias=True):
        self.p[name + ".weight"] = self.numbers(outputs, inputs, kernel, kernel)
        if bias:
            self.p[name + ".bias"] = self.numbers(outputs)

    def linear(self, name, inputs, outputs):
        self.p[name + ".weight"] = self.numbers(outputs, inputs)
        self.p[name + ".bias"] = self.numbers(outputs)

    def self_attention(self, name):
        self.linear(name + ".qkv", DIM, 3 * DIM)
        self.linear(name + ".output", DIM, DIM)

    def feed_forward(self, name):
        self.norm(name + "feed_forward_norm", DIM)
        self.linear(name + "feed_forward.inner", DIM, INNER)
        self.linear(name + "feed_forward.output", INNER, DIM)

    def group_normed(self, name, x):
        groups = math.gcd(x.shape[1], 8)
        return functional.relu(functional.group_norm(x, groups, self.p[name + ".weight"], self.p[name + ".bias"]))

    def convolved(self, name, x, stride=1):
        weight = self.p[name + ".weight"]
        return functional.conv2d(x, weight, self.p.get(name + ".bias"), stride=stride, padding=weight.shape[2] // 2)

    def layer_normed(self, name, x):
        return functional.layer_norm(x, (DIM,), self.p[name + ".weight"], self.p[name + ".bias"])

    def projected(self, name, x):
        return functional.linear(x, self.p[name + ".weight"], self.p[name + ".bias"])

    def attended(self, name, q, k, v, bias=0):
        """q, k, v: [batch, length, dim]; bias: added to the scores [batch, heads, queries, keys]."""
        q, k, v = (x.unflatten(2, (HEADS, DIM // HEADS)) for x in (q, k, v))
        weights = (torch.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(DIM // HEADS) + bias).softmax(-1)
        return self.projected(name + ".output", torch.einsum("bhqk,bkhd->bqhd", weights, v).flatten(2))

    def fed_forward(self, name, x):
        normed = self.layer_normed(name + "feed_forward_norm", x)
        inner = functional.relu(self.projected(name + "feed_forward.inner", normed))
        return x + self.projected(name + "feed_forward.output", inner)

    def finest_map(self, pictures):
        x = self.convolved("pyramid.stem", pictures.permute(0, 3, 1, 2), stride=2)
        laterals = []
        for stage in range(2):
            block = f"pyramid.stages.{stage}.0."
            normed = self.group_normed(block + "norm1", x)
            branch = self.convolved(block + "conv1", normed, stride=2)
            branch = self.convolved(block + "conv2", self.group_normed(block + "norm2", branch))
            x = self.convolved(block + "shortcut", normed, stride=2) + branch
            laterals.append(self.convolved(f"pyramid.laterals.{stage}", self.group_normed(f"pyramid.norms.{stage}", x)))
        fine = laterals[0] + functional.interpolate(laterals[1], size=laterals[0].shape[2:], mode="nearest")
        return self.convolved("pyramid.smooth.0", fine).permute(0, 2, 3, 1)

    def gaussian(self, name, x, boxes, height, width):
        """What the boxes add to the scores."""
        a, b, u, v = self.projected(name + ".modulation", x).unflatten(2, (HEADS, 4)).unbind(3)
        cx, cy, w, h = (number[:, :, None] for number in boxes.unbind(2))
        w, h = w.clamp(min=0.02), h.clamp(min=0.02)
        px = ((torch.arange(width).double() + 0.5) / width).repeat(height)
        py = ((torch.arange(height).double() + 0.5) / height).repeat_interleave(width)
        dx = (px - (cx + a * w)[..., None]) / (torch.exp(2 * torch.tanh(u)) / 2 * w)[..., None]
        dy = (py - (cy + b * h)[..., None]) / (torch.exp(2 * torch.tanh(v)) / 2 * h)[..., None]
        return -((dx**2 + dy**2) / 2).transpose(1, 2)

    def forward(self, pictures):
        feature_map = self.finest_map(pictures)
        batch, height, width, _ = feature_map.shape
        positions = torch.cat([sinusoids(height, DIM // 2).repeat_interleave(width, 0),
                               sinusoids(width, DIM // 2).repeat(height, 1)], dim=1)
        x = feature_map.flatten(1, 2) + positions
        qkv = self.projected("encoder.0.attention.qkv", self.layer_normed("encoder.0.attention_norm", x))
        x = x + self.attended("encoder.0.attention", *qkv.chunk(3, 2))
        memory = self.layer_normed("encoder_norm", self.fed_forward("encoder.0.", x))

        x = self.p["query_features"].expand(batch, -1, -1)
        box_logits = self.p["query_boxes"].expand(batch, -1, -1)
        logits, all_boxes = [], []
        for i in range(LAYERS):
            name = f"decoder.{i}."
            boxes = box_logits.sigmoid()
            places = self.projected("query_positions.output", functional.relu(
                self.projected("query_positions.inner", box_sines(boxes))))
            seen = self.layer_normed(name + "self_attention_norm", x) + places
            qkv = self.projected(name + "self_attention.qkv", seen)
            x = x + self.attended(name + "self_attention", *qkv.chunk(3, 2))
            seen = self.layer_normed(name + "cross_attention_norm", x) + places
            query = self.projected(name + "cross_attention.query", seen)
            key, value = self.projected(name + "cross_attention.key_value", memory).chunk(2, 2)
            bias = self.gaussian(name + "cross_attention", seen, boxes, height, width) if self.modulated else 0
            x = x + self.attended(name + "cross_attention", query, key, value, bias)
            x = self.fed_forward(name, x)
            features = self.layer_normed("decoder_norm", x)
            logits.append(self.projected("class_head", features))
            box_logits = box_logits + self.projected("box_head.output", functional.relu(
                self.projected("box_head.inner", features)))
            all_boxes.append(box_logits.sigmoid())
        return torch.stack(logits), torch.stack(all_boxes)


golden.tensors["pictures"] = golden.normal(2, 21, 30, 1)
for name in ("modulated", "plain"):
    model = Model(name == "modulated")
    golden.tensors[f"{name}/parameters"] = torch.cat([model.p[key].flatten() for key in sorted(model.p)])
    golden.tensors[f"{name}/logits"], golden.tensors[f"{name}/boxes"] = model.forward(golden.tensors["pictures"])
golden.write("detection_transformer.safetensors")
