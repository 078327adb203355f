"""Writes unet.safetensors for tests/op/dice_loss_test.cpp, tests/nn/attention_gate_test.cpp and
tests/model/unet_golden_test.cpp: Dice loss, attention gates and U-Nets by PyTorch in double precision.

    python3 tests/golden/make_unet.py

Dice loss and gates are cases as golden.py has them. Of each network NAME there are NAME/parameters (all of them in one
row, sorted by their names), NAME/pictures, NAME/targets, NAME/logits and NAME/loss (cross entropy) in training, and
NAME/gradients (of the loss, like the parameters); of one with norms of batches also NAME/running, its statistics after
that step (sorted by their names), and NAME/inference, the logits by these.
"""

import torch
from torch.nn import functional

from golden import Golden

golden = Golden(seed=47)


def dice(logits, targets, smoothing=1.0, ignored=None):
    classes = logits.shape[-1]
    p, t = logits.softmax(-1).reshape(-1, classes), targets.reshape(-1)
    known = torch.ones_like(t, dtype=torch.bool) if ignored is None else t != ignored
    p, hot = p[known], functional.one_hot(t[known], classes).double()
    return 1 - ((2 * (p * hot).sum(0) + smoothing) / (p.sum(0) + hot.sum(0) + smoothing)).mean()


golden.case("dice", dice, golden.normal(2, 3, 4, 3), golden.integers(2, 3, 4, bound=3))
golden.case("dice_ignored", lambda x, t: dice(x, t, 0.25, 2), golden.normal(30, 3), golden.integers(30, bound=3))


def conv(x, weight, bias=None, **options):
    return functional.conv2d(x.permute(0, 3, 1, 2), weight, bias, **options).permute(0, 2, 3, 1)


def upsample(x):
    return functional.interpolate(x.permute(0, 3, 1, 2), scale_factor=2, mode="bilinear",
                                  align_corners=False).permute(0, 2, 3, 1)


def gate(x, gating, w_x, w_g, b_g, w_psi, b_psi):
    q = functional.relu(conv(x, w_x, stride=2) + conv(gating, w_g, b_g))
    return x * upsample(torch.sigmoid(conv(q, w_psi, b_psi)))


golden.case("gate", gate, golden.normal(2, 4, 6, 3), golden.normal(2, 2, 3, 5), golden.normal(4, 3, 2, 2),
            golden.normal(4, 5, 1, 1), golden.normal(4), golden.normal(1, 4, 1, 1), golden.normal(1))


def numbers(*shape):
    """Larger than a real start, so that an error anywhere shows."""
    return golden.normal(*shape).mul(0.5).bfloat16().double()


class UNet:
    """Width 2; 2 channels, 3 classes."""

    def __init__(self, levels, groups, gates):
        self.p, self.running, self.levels, self.groups, self.gates = {}, {}, levels, groups, gates
        channels = 2
        for level in range(levels):
            self.block(f"down.{level}.", channels, 2 << level)
            channels = 2 << level
        for level in range(levels - 1):
            out = 2 << level
            self.unit(f"up.{level}.unit.", 2 * out, out)
            self.block(f"up.{level}.block.", 2 * out, out)
            if gates:
                self.gate(f"up.{level}.gate.", out)
        self.head()

    def head(self):
        self.p["head.weight"] = numbers(3, 2, 1, 1)
        self.p["head.bias"] = numbers(3)

    def gate(self, name, out):
        self.p[name + "features.weight"] = numbers(out, out, 2, 2)
        self.p[name + "gating.weight"] = numbers(out, 2 * out, 1, 1)
        self.p[name + "gating.bias"] = numbers(out)
        self.p[name + "gate.weight"] = numbers(1, out, 1, 1)
        self.p[name + "gate.bias"] = numbers(1)

    def norm(self, name, out):
        self.p[name + "weight"] = numbers(out) + 1
        self.p[name + "bias"] = numbers(out)
        if not self.groups:
            self.running[name + "running_mean"] = torch.zeros(out).double()
            self.running[name + "running_variance"] = torch.ones(out).double()

    def unit(self, name, channels, out):
        self.p[name + "convolution.weight"] = numbers(out, channels, 3, 3)
        self.norm(name + "norm.", out)

    def block(self, name, channels, out):
        self.unit(name + "0.", channels, out)
        self.unit(name + "1.", out, out)

    def run_unit(self, name, x, training):
        y = conv(x, self.p[name + "convolution.weight"], padding=1).permute(0, 3, 1, 2)
        return functional.relu(self.normed(name + "norm.", y, training).permute(0, 2, 3, 1))

    def normed(self, name, y, training):
        weight, bias = self.p[name + "weight"], self.p[name + "bias"]
        if self.groups:
            return functional.group_norm(y, self.groups, weight, bias, 1e-5)
        return functional.batch_norm(y, self.running[name + "running_mean"], self.running[name + "running_variance"],
                                     weight, bias, training, 0.1, 1e-5)

    def run_gate(self, name, kept, coarse):
        parts = ("features.weight", "gating.weight", "gating.bias", "gate.weight", "gate.bias")
        return gate(kept, coarse, *(self.p[name + part] for part in parts))

    def run_block(self, name, x, training):
        return self.run_unit(name + "1.", self.run_unit(name + "0.", x, training), training)

    def logits(self, pictures, training):
        x, skipped = pictures, []
        for level in range(self.levels):
            if level > 0:
                x = functional.max_pool2d(x.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
            x = self.run_block(f"down.{level}.", x, training)
            skipped.append(x)
        for level in reversed(range(self.levels - 1)):
            name, kept = f"up.{level}.", skipped[level]
            if self.gates:
                kept = self.run_gate(name + "gate.", kept, x)
            fine = self.run_unit(name + "unit.", upsample(x), training)
            x = self.run_block(name + "block.", torch.cat([kept, fine], 3), training)
        return conv(x, self.p["head.weight"], self.p["head.bias"])


class ResidualUNet(UNet):
    """As UNet, of two levels with two residual blocks each, norms of batches and gates."""

    def __init__(self):
        self.p, self.running, self.levels, self.groups, self.gates = {}, {}, 2, 0, True
        self.p["down.0.stem.weight"] = numbers(2, 2, 3, 3)
        channels = 2
        for level in range(2):
            for block in range(2):
                name, out = f"down.{level}.{block}.", 2 << level
                self.norm(name + "norm1.", channels)
                self.p[name + "conv1.weight"] = numbers(out, channels, 3, 3)
                self.norm(name + "norm2.", out)
                self.p[name + "conv2.weight"] = numbers(out, out, 3, 3)
                if channels != out:
                    self.p[name + "shortcut.weight"] = numbers(out, channels, 1, 1)
                channels = out
            self.norm(f"down.{level}.norm.", channels)
        self.p["up.0.narrow.weight"] = numbers(2, 4, 1, 1)
        self.unit("up.0.unit.", 4, 2)
        self.gate("up.0.gate.", 2)
        self.head()

    def run_norm(self, name, x, training):
        return functional.relu(self.normed(name, x.permute(0, 3, 1, 2), training).permute(0, 2, 3, 1))

    def run_residual(self, name, x, training):
        shortcut = name + "shortcut.weight"
        stride = 2 if shortcut in self.p else 1
        normed = self.run_norm(name + "norm1.", x, training)
        branch = conv(normed, self.p[name + "conv1.weight"], padding=1, stride=stride)
        branch = conv(self.run_norm(name + "norm2.", branch, training), self.p[name + "conv2.weight"], padding=1)
        return branch + (conv(normed, self.p[shortcut], stride=2) if stride == 2 else x)

    def logits(self, pictures, training):
        x, maps = conv(pictures, self.p["down.0.stem.weight"], padding=1), []
        for level in range(2):
            for block in range(2):
                x = self.run_residual(f"down.{level}.{block}.", x, training)
            maps.append(self.run_norm(f"down.{level}.norm.", x, training))
        kept = self.run_gate("up.0.gate.", maps[0], maps[1])
        fine = upsample(conv(maps[1], self.p["up.0.narrow.weight"]))
        x = self.run_unit("up.0.unit.", torch.cat([kept, fine], 3), training)
        return conv(x, self.p["head.weight"], self.p["head.bias"])


def row(tensors):
    return torch.cat([tensors[name].detach().flatten() for name in sorted(tensors)])


def record(name, model):
    out = golden.tensors
    pictures, targets = golden.normal(2, 8, 12, 2), golden.integers(2, 8, 12, bound=3)
    out[f"{name}/parameters"] = row(model.p)
    for value in model.p.values():
        value.requires_grad_()
    logits = model.logits(pictures, True)
    loss = functional.cross_entropy(logits.permute(0, 3, 1, 2), targets)
    loss.backward()
    out.update({f"{name}/pictures": pictures, f"{name}/targets": targets, f"{name}/logits": logits, f"{name}/loss": loss,
                f"{name}/gradients": row({key: value.grad for key, value in model.p.items()})})
    if model.running:
        out[f"{name}/running"] = row(model.running)
        out[f"{name}/inference"] = model.logits(pictures, False)
    print(name, round(loss.item(), 4), sum(value.numel() for value in model.p.values()))


record("gated", UNet(3, 2, True))
record("plain", UNet(2, 0, False))
record("residual", ResidualUNet())
golden.write("unet.safetensors")
