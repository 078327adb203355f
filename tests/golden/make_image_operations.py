"""Writes image_operations.safetensors: sampling, resizing, regions of interest, group norm and boxes by PyTorch 1.13
and torchvision 0.14, for tests/op.

    python3 tests/golden/make_image_operations.py

Needs Debian's python3-torchvision beside python3-torch. Feature maps are stored with channels last.
"""

import torch
import torchvision
from torch.nn import functional

from golden import Golden

golden = Golden(seed=17)


def first(x):
    """Channels first: what PyTorch computes with."""
    return x.permute(0, 3, 1, 2)


def last(x):
    return x.permute(0, 2, 3, 1)


for mode in ("bilinear", "nearest"):
    golden.case(
        f"grid_sample_{mode}", lambda x, grid, mode=mode: tuple(
            last(functional.grid_sample(first(x), grid, mode=mode, padding_mode=padding, align_corners=align))
            for padding in ("zeros", "border", "reflection") for align in (False, True)), golden.normal(2, 3, 4, 2),
        golden.uniform(2, 1, 4, 2, low=-1.7, high=1.7))
golden.case(
    "affine_grid", lambda theta: tuple(
        functional.affine_grid(theta, (2, 1, height, width), align_corners=align)
        for height, width in ((2, 3), (1, 4)) for align in (False, True)), golden.normal(2, 2, 3))

SIZES = ((7, 3), (2, 8), (1, 1))
golden.case("resize_nearest", lambda x: tuple(last(functional.interpolate(first(x), size)) for size in SIZES),
            golden.normal(1, 3, 4, 2))
golden.case(
    "resize_bilinear", lambda x: tuple(
        last(functional.interpolate(first(x), size, mode="bilinear", align_corners=align))
        for align in (False, True) for size in SIZES), golden.normal(1, 3, 4, 2))

# Regions inside, across the border, outside, of no size, upside down.
boxes = torch.tensor([[0.5, 1.25, 4.5, 4.0], [-2.0, 3.0, 3.5, 8.0], [9.0, 9.5, 12.0, 13.0], [2.0, 2.5, 2.0, 2.5],
                      [4.0, 4.5, 2.25, 1.0]], dtype=torch.float64)
images = torch.tensor([0, 1, 1, 0, 1])


def regions(corners, image):
    return torch.cat([image.double()[:, None], corners.detach()], 1)


golden.case(
    "roi_align", lambda x, corners, image: tuple(
        last(torchvision.ops.roi_align(first(x), regions(corners, image), (2, 2), scale, ratio, aligned))
        for scale, ratio, aligned in ((1.0, 0, True), (1.0, 0, False), (0.5, 2, True), (1.5, 3, False))),
    golden.normal(2, 5, 5, 2), boxes, images)
golden.case(
    "roi_pool", lambda x, corners, image: tuple(
        last(torchvision.ops.roi_pool(first(x), regions(corners, image), size, scale))
        for size, scale in (((2, 2), 1.0), ((1, 3), 0.5))), golden.normal(2, 5, 5, 2), boxes, images)

golden.case(
    "group_norm", lambda x, weight, bias: tuple(
        last(functional.group_norm(first(x), groups, weight, bias, 1e-3)) for groups in (1, 3, 6)),
    golden.normal(2, 2, 3, 6) + 0.5, golden.normal(6), golden.normal(6))


def random_boxes(count):
    corner = golden.uniform(count, 2, high=6.0)
    return torch.cat([corner, corner + golden.uniform(count, 2, low=0.5, high=5.0)], 1).bfloat16().double()


golden.case("box_iou", lambda a, b: torchvision.ops.box_iou(a, b).detach(), random_boxes(5), random_boxes(6))
golden.case("box_giou", lambda a, b: torchvision.ops.generalized_box_iou(a, b).detach(), random_boxes(5),
            random_boxes(6))
golden.case(
    "giou_loss", lambda a, b: tuple(
        torchvision.ops.generalized_box_iou_loss(a, b, reduction) for reduction in ("none", "mean", "sum")),
    random_boxes(9), random_boxes(9))
for percent in (20, 60):
    golden.case(f"nms_{percent}", lambda a, scores, p=percent: torchvision.ops.nms(a, scores, p / 100),
                random_boxes(20), torch.randperm(20, generator=golden.generator).double() / 32)

golden.write("image_operations.safetensors")
