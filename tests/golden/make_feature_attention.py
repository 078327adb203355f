"""Writes feature_attention.safetensors for tests/nn/feature_attention_test.cpp and spatial_transformer_test.cpp: attention in
windows, shifted and not, focal modulation, and a spatial transformer, by PyTorch in double precision.

    python3 tests/golden/make_feature_attention.py

Cases are as golden.py has them: x, then the parameters in the order of the layer.
"""

import math

import torch
from torch.nn import functional

from golden import Golden

golden = Golden(seed=37)


def windows_of(height, width, side, shift):
    """The places of each window, by their numbers; the first begins `shift` up and left of the picture."""
    for top in range(-shift, height, side):
        for left in range(-shift, width, side):
            rows = [y for y in range(top, top + side) if 0 <= y < height]
            columns = [x for x in range(left, left + side) if 0 <= x < width]
            yield [(y, x) for y in rows for x in columns]


def window_attention(shift):
    side, heads = 2, 2

    def forward(x, w_qkv, b_qkv, w_out, b_out, bias):
        batch, height, width, dim = x.shape
        q, k, v = functional.linear(x, w_qkv, b_qkv).view(batch, height, width, 3, heads, dim // heads).unbind(3)
        rows = {}
        for window in windows_of(height, width, side, shift):
            for y, column in window:
                scores = torch.stack([(q[:, y, column] * k[:, v_, h_]).sum(-1) / math.sqrt(dim // heads)
                                      + bias[:, v_ - y + side - 1, h_ - column + side - 1] for v_, h_ in window], -1)
                weights = scores.softmax(-1)
                seen = sum(weights[:, :, i, None] * v[:, v_, h_] for i, (v_, h_) in enumerate(window))
                rows[y, column] = functional.linear(seen.flatten(1), w_out, b_out)
        return x + torch.stack([rows[y, c] for y in range(height) for c in range(width)], 1).view(x.shape)

    return forward


def focal(x, w_into, b_into, w1, w2, w_modulator, b_modulator, w_out, b_out):
    channels = x.shape[3]
    q, context, gates = functional.linear(x, w_into, b_into).split([channels, channels, 3], 3)
    total = 0
    for level, weight in enumerate((w1, w2)):
        context = functional.conv2d(context.permute(0, 3, 1, 2), weight, padding=weight.shape[2] // 2, groups=channels)
        context = functional.gelu(context.permute(0, 2, 3, 1))
        total = total + context * gates[..., level:level + 1]
    total = total + functional.gelu(context.mean((1, 2), keepdim=True)) * gates[..., 2:]
    return x + functional.linear(q * functional.linear(total, w_modulator, b_modulator), w_out, b_out)


def spatial_transformer(x, w_first, b_first, w_second, b_second, w_maps, b_maps, w_theta, b_theta):
    pictures = x.permute(0, 3, 1, 2)
    y = functional.relu(functional.conv2d(pictures, w_first, b_first, stride=2, padding=1))
    y = functional.relu(functional.conv2d(y, w_second, b_second, stride=2, padding=1))
    shares = functional.conv2d(y, w_maps, b_maps).flatten(2).softmax(-1)
    rows, columns = ((2 * torch.arange(n).double() + 1) / n - 1 for n in y.shape[2:])
    centres = torch.stack([columns.repeat(len(rows)), rows.repeat_interleave(len(columns))], 1)
    theta = functional.linear((shares @ centres).flatten(1), w_theta, b_theta).view(-1, 2, 3)
    grid = functional.affine_grid(theta, pictures.shape, align_corners=False)
    return functional.grid_sample(pictures, grid, align_corners=False).permute(0, 2, 3, 1)


# As in tests/nn/feature_attention_test.cpp.
for name, shift in (("windows", 0), ("windows_shifted", 1)):
    golden.case(name, window_attention(shift), golden.normal(2, 3, 5, 4), golden.normal(12, 4) / 2,
                golden.normal(12) / 2, golden.normal(4, 4) / 2, golden.normal(4) / 2, golden.normal(2, 3, 3))
golden.case("focal", focal, golden.normal(2, 4, 3, 3), golden.normal(9, 3), golden.normal(9), golden.normal(3, 1, 3, 3),
            golden.normal(3, 1, 5, 5), golden.normal(3, 3), golden.normal(3), golden.normal(3, 3) / 2,
            golden.normal(3) / 2)

golden.case("spatial_transformer", spatial_transformer, golden.normal(2, 6, 5, 2), golden.normal(16, 2, 3, 3) / 2,
            golden.normal(16) / 2, golden.normal(32, 16, 3, 3) / 4, golden.normal(32) / 2, golden.normal(16, 32, 1, 1) / 4,
            golden.normal(16), golden.normal(6, 32) / 8, torch.tensor([0.8, 0.1, 0.05, -0.1, 0.7, 0.1]).double())

golden.write("feature_attention.safetensors")
