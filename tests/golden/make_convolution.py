"""Writes convolution.safetensors: convolutions, pooling and batch norm of feature maps (channels last) by PyTorch 1.13,
for tests/op.

    python3 tests/golden/make_convolution.py
"""

import torch
from torch.nn import functional

from golden import Golden

golden = Golden(seed=21)


def channels_first(x):
    return x.permute(0, 3, 1, 2)


def channels_last(x):
    return x.permute(0, 2, 3, 1)


# Name, shape of x, shape of the weight, options: as in tests/op/convolution_test.cpp.
CONVOLUTIONS = (
    ("point", (2, 4, 3, 5), (7, 5, 1, 1), {}),
    ("same", (2, 5, 4, 3), (4, 3, 3, 3), {"padding": 1}),
    ("strided", (1, 7, 6, 2), (3, 2, 3, 2), {"stride": (2, 3), "padding": (1, 0)}),
    ("dilated", (2, 7, 8, 3), (2, 3, 3, 3), {"padding": (2, 1), "dilation": (2, 3)}),
    ("grouped", (2, 4, 4, 6), (4, 3, 3, 3), {"padding": 1, "groups": 2}),
    ("depthwise", (1, 5, 5, 4), (4, 1, 3, 3), {"stride": 2, "padding": 1, "groups": 4}),
    ("whole", (3, 4, 4, 2), (5, 2, 4, 4), {}),
)
for name, shape, kernel, options in CONVOLUTIONS:
    golden.case(name, lambda x, w, b, o=options: channels_last(functional.conv2d(channels_first(x), w, b, **o)),
                golden.normal(*shape), golden.normal(*kernel), golden.normal(kernel[0]))
    stride = options.get("stride", 1)
    stride = stride if isinstance(stride, tuple) else (stride, stride)
    more = {**options, "output_padding": (stride[0] - 1, stride[1] // 2)}
    golden.case("transposed_" + name,
                lambda x, w, b, o=more: channels_last(functional.conv_transpose2d(channels_first(x), w, b, **o)),
                golden.normal(*shape[:3], kernel[0]), golden.normal(*kernel),
                golden.normal(kernel[1] * options.get("groups", 1)))

for name, options in (("plain", {"kernel_size": 2}), ("overlapping", {"kernel_size": 3, "stride": 2, "padding": 1}),
                      ("oblong", {"kernel_size": (3, 2), "stride": (1, 2), "padding": (1, 0)})):
    golden.case("max_" + name, lambda x, o=options: channels_last(functional.max_pool2d(channels_first(x), **o)),
                golden.normal(2, 6, 7, 3))
    for count in (True, False):
        golden.case(f"average_{name}_{'all' if count else 'inside'}",
                    lambda x, o=options, c=count: channels_last(
                        functional.avg_pool2d(channels_first(x), count_include_pad=c, **o)),
                    golden.normal(2, 6, 7, 3))


def batch_norm(x, weight, bias):
    return channels_last(functional.batch_norm(channels_first(x), None, None, weight, bias, True, 0.1, 1e-5))


def trained_batch_norm(x, weight, bias, mean, variance):
    return channels_last(functional.batch_norm(channels_first(x), mean, variance, weight, bias, False, 0.1, 1e-5))


for channels in (1, 7, 16, 33):
    golden.case(f"batch_norm_{channels}", batch_norm, golden.normal(3, 4, 5, channels) + 0.5, golden.normal(channels),
                golden.normal(channels))
# tests/op/batch_norm_test.cpp knows these statistics.
mean, variance = torch.arange(7) / 8 - 0.25, torch.arange(7) / 8 + 0.5
golden.case("batch_norm_of_running", lambda x, w, b: trained_batch_norm(x, w, b, mean.double(), variance.double()),
            golden.normal(3, 4, 5, 7), golden.normal(7), golden.normal(7))

golden.write("convolution.safetensors")
