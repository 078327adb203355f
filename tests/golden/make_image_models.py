"""Writes image_models.safetensors for tests/nn/feature_attention_test.cpp and tests/model/image_models_golden_test.cpp:
attention over feature maps, and image classifiers made of it, by PyTorch in double precision.

    python3 tests/golden/make_image_models.py

Attention over feature maps are cases as golden.py has them: x, then the parameters in the order of the layer. Of each
model NAME there are NAME/parameters (all of them in one row, sorted by their names), NAME/pictures, NAME/targets,
NAME/logits and NAME/loss in training, and NAME/gradients (of the loss, like the parameters); of a network with norms of
batches also NAME/running, its statistics after that step (they start as zeros and ones; sorted by their names), and
NAME/inference, the logits by these.
"""

import math

import torch
from torch.nn import functional

from golden import Golden

golden = Golden(seed=31)


def conv(x, weight, bias=None, **options):
    return functional.conv2d(x.permute(0, 3, 1, 2), weight, bias, **options).permute(0, 2, 3, 1)


def excitation(of_channels, w1, b1, w2, b2):
    return functional.linear(functional.relu(functional.linear(of_channels, w1, b1)), w2, b2)


def se(x, *layers):
    gate = torch.sigmoid(excitation(x.mean((1, 2)), *layers))
    return x * gate[:, None, None, :]


def eca(x, weight):
    mean = x.mean((1, 2))[:, None, :]
    gate = torch.sigmoid(functional.conv1d(mean, weight[:, :, 0, :], padding=weight.shape[3] // 2))
    return x * gate[:, 0, None, None, :]


def cbam(x, w1, b1, w2, b2, weight, bias):
    layers = (w1, b1, w2, b2)
    x = x * torch.sigmoid(excitation(x.mean((1, 2)), *layers) + excitation(x.amax((1, 2)), *layers))[:, None, None, :]
    seen = torch.stack([x.mean(3), x.amax(3)], dim=3)
    return x * torch.sigmoid(conv(seen, weight, bias, padding=3))


def attend(x, heads, w_qkv, b_qkv, w_out, b_out):
    """Self-attention of x [batch, length, dim]."""
    batch, length, dim = x.shape
    q, k, v = functional.linear(x, w_qkv, b_qkv).view(batch, length, 3, heads, dim // heads).unbind(2)
    weights = (torch.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(dim // heads)).softmax(-1)
    return functional.linear(torch.einsum("bhqk,bkhd->bqhd", weights, v).reshape(batch, length, dim), w_out, b_out)


def self_attention(x, *layers):
    return x + attend(x.flatten(1, 2), 2, *layers).view(x.shape)


# As in tests/nn/feature_attention_test.cpp.
golden.case("se", se, golden.normal(2, 2, 2, 12), golden.normal(6, 12), golden.normal(6), golden.normal(12, 6),
            golden.normal(12))
golden.case("eca", eca, golden.normal(2, 2, 1, 12), golden.normal(1, 1, 1, 3))
golden.case("cbam", cbam, golden.normal(2, 3, 2, 4), golden.normal(4, 4), golden.normal(4), golden.normal(4, 4),
            golden.normal(4), golden.normal(1, 2, 7, 7), golden.normal(1))
golden.case("self", self_attention, golden.normal(2, 2, 2, 8), golden.normal(24, 8) / 2, golden.normal(24) / 2,
            golden.normal(8, 8) / 2, golden.normal(8) / 2)


def numbers(*shape):
    """Larger than a real start, so that an error anywhere shows."""
    return golden.normal(*shape).mul(0.5).bfloat16().double()


def batch_norm_relu(x, running, weight_and_bias, name, training):
    y = functional.batch_norm(x.permute(0, 3, 1, 2), running[name + ".running_mean"], running[name + ".running_variance"],
                              *weight_and_bias, training, 0.1, 1e-5)
    return functional.relu(y.permute(0, 2, 3, 1))


class ResidualCnn:
    """Width 2, two stages of two blocks, each with squeeze-and-excitation; 2 channels, 3 classes."""

    shape = (3, 6, 5, 2)

    def __init__(self):
        self.p, self.running = {}, {}
        self.p["stem.weight"] = numbers(2, 2, 3, 3)
        channels = 2
        for stage, out in enumerate((2, 4)):
            for i in range(2):
                name = f"stages.{stage}.{i}."
                self.norm(name + "norm1", channels)
                self.p[name + "conv1.weight"] = numbers(out, channels, 3, 3)
                self.norm(name + "norm2", out)
                self.p[name + "conv2.weight"] = numbers(out, out, 3, 3)
                if channels != out:
                    self.p[name + "shortcut.weight"] = numbers(out, channels, 1, 1)
                for layer, (rows, columns) in (("squeeze", (4, out)), ("excite", (out, 4))):
                    self.p[f"{name}attention.excitation.{layer}.weight"] = numbers(rows, columns)
                    self.p[f"{name}attention.excitation.{layer}.bias"] = numbers(rows)
                channels = out
        self.norm("norm", channels)
        self.p["head.weight"] = numbers(3, channels)
        self.p["head.bias"] = numbers(3)

    def norm(self, name, channels):
        self.p[name + ".weight"] = numbers(channels) + 1
        self.p[name + ".bias"] = numbers(channels)
        self.running[name + ".running_mean"] = torch.zeros(channels).double()
        self.running[name + ".running_variance"] = torch.ones(channels).double()

    def normalise(self, name, x, training):
        return batch_norm_relu(x, self.running, (self.p[name + ".weight"], self.p[name + ".bias"]), name, training)

    def logits(self, pictures, training):
        p = self.p
        x = conv(pictures, p["stem.weight"], padding=1)
        for stage in range(2):
            for i in range(2):
                name = f"stages.{stage}.{i}."
                stride = 2 if stage > 0 and i == 0 else 1
                normed = self.normalise(name + "norm1", x, training)
                y = conv(normed, p[name + "conv1.weight"], stride=stride, padding=1)
                y = conv(self.normalise(name + "norm2", y, training), p[name + "conv2.weight"], padding=1)
                y = se(y, *(p[f"{name}attention.excitation.{part}"]
                            for part in ("squeeze.weight", "squeeze.bias", "excite.weight", "excite.bias")))
                shortcut = p.get(name + "shortcut.weight")
                x = (x if shortcut is None else conv(normed, shortcut, stride=stride)) + y
        x = self.normalise("norm", x, training)
        return functional.linear(x.mean((1, 2)), p["head.weight"], p["head.bias"])


class VisionTransformer:
    """2 x 3 patches of pictures with 2 channels, of 2 x 2 pixels, or of 4 x 4 behind convolutions; dim 8, two heads, 3
    classes."""

    def __init__(self, layers, token, learned, distillation=False, convolutions=False):
        self.layers, self.convolutions = layers, convolutions
        self.shape = (3, 8, 12, 2) if convolutions else (3, 4, 6, 2)
        p = self.p = {}
        self.running = {}
        if token:
            p["class_token"] = numbers(1, 1, 8)
        if distillation:
            p["distillation_token"] = numbers(1, 1, 8)
        if learned:
            p["position_embedding"] = numbers(6, 8)
        if convolutions:
            for i, (rows, columns) in enumerate(((4, 2), (8, 4))):
                p[f"stem.convolutions.{i}.weight"] = numbers(rows, columns, 3, 3)
                self.norm(f"stem.norms.{i}", rows)
                self.running[f"stem.norms.{i}.running_mean"] = torch.zeros(rows).double()
                self.running[f"stem.norms.{i}.running_variance"] = torch.ones(rows).double()
            self.linear("stem.output", 8, 8, 1, 1)
        else:
            self.linear("patch_embedding", 8, 2, 2, 2)
        for i in range(layers):
            block = f"blocks.{i}."
            for norm in ("attention_norm", "feed_forward_norm"):
                self.norm(block + norm)
            self.linear(block + "attention.qkv", 24, 8)
            self.linear(block + "attention.output", 8, 8)
            self.linear(block + "feed_forward.inner", 6, 8)
            self.linear(block + "feed_forward.output", 8, 6)
        self.norm("norm")
        self.linear("head", 3, 8)
        if distillation:
            self.linear("distillation_head", 3, 8)

    def linear(self, name, rows, *columns):
        self.p[name + ".weight"] = numbers(rows, *columns)
        self.p[name + ".bias"] = numbers(rows)

    def norm(self, name, features=8):
        self.p[name + ".weight"] = numbers(features) + 1
        self.p[name + ".bias"] = numbers(features)

    def of(self, name):
        return self.p[name + ".weight"], self.p[name + ".bias"]

    def normalise(self, name, x):
        return functional.layer_norm(x, (8,), *self.of(name), 1e-6)

    def positions(self):
        if "position_embedding" in self.p:
            return self.p["position_embedding"]
        rows = []
        for place in range(6):
            row = []
            for t in (place // 3, place % 3):
                for i in range(2):
                    angle = t * 10000.0 ** (-2 * i / 4)
                    row += [math.sin(angle), math.cos(angle)]
            rows.append(row)
        return torch.tensor(rows, dtype=torch.float64)

    def patches(self, x, training):
        if not self.convolutions:
            return conv(x, *self.of("patch_embedding"), stride=2)
        for i in range(2):
            name = f"stem.norms.{i}"
            x = conv(x, self.p[f"stem.convolutions.{i}.weight"], stride=2, padding=1)
            x = batch_norm_relu(x, self.running, self.of(name), name, training)
        return conv(x, *self.of("stem.output"))

    def logits(self, pictures, training):
        x = self.patches(pictures, training).flatten(1, 2) + self.positions()
        front = [self.p[name] for name in ("class_token", "distillation_token") if name in self.p]
        x = torch.cat([token.expand(len(x), 1, 8) for token in front] + [x], dim=1)
        for i in range(self.layers):
            block = f"blocks.{i}."
            x = x + attend(self.normalise(block + "attention_norm", x), 2, *self.of(block + "attention.qkv"),
                           *self.of(block + "attention.output"))
            hidden = functional.gelu(
                functional.linear(self.normalise(block + "feed_forward_norm", x), *self.of(block + "feed_forward.inner")))
            x = x + functional.linear(hidden, *self.of(block + "feed_forward.output"))
        x = self.normalise("norm", x)
        logits = functional.linear(x[:, 0] if "class_token" in self.p else x[:, len(front):].mean(1), *self.of("head"))
        if "distillation_token" not in self.p:
            return logits
        return (logits + functional.linear(x[:, len(front) - 1], *self.of("distillation_head"))) / 2


def row(tensors):
    return torch.cat([tensors[name].detach().flatten() for name in sorted(tensors)])


def record(name, model):
    out = golden.tensors
    pictures, targets = golden.normal(*model.shape), torch.tensor([2, 0, 1])
    out[f"{name}/parameters"] = row(model.p)
    for value in model.p.values():
        value.requires_grad_()
    logits = model.logits(pictures, True)
    loss = functional.cross_entropy(logits, targets)
    loss.backward()
    out.update({f"{name}/pictures": pictures, f"{name}/targets": targets, f"{name}/logits": logits, f"{name}/loss": loss,
                f"{name}/gradients": row({key: value.grad for key, value in model.p.items()})})
    if model.running:
        out[f"{name}/running"] = row(model.running)
        out[f"{name}/inference"] = model.logits(pictures, False)
    print(name, round(loss.item(), 4), sum(value.numel() for value in model.p.values()))


record("residual", ResidualCnn())
record("token_learned", VisionTransformer(1, True, True))
record("mean_sinusoidal", VisionTransformer(1, False, False))
record("distilled_token", VisionTransformer(1, True, True, True))
record("distilled_mean", VisionTransformer(1, False, False, True))
record("convolution_stem", VisionTransformer(1, False, True, convolutions=True))
golden.write("image_models.safetensors")
