"""Writes image_generation.safetensors for tests/nn/spectral_norm_test.cpp and
tests/model/image_generation_golden_test.cpp, by PyTorch in double precision.

    python3 tests/golden/make_image_generation.py

spectral/* is one training step of torch.nn.utils.spectral_norm: weight, u, v, cotangent (of the divided weight), value,
gradient (of the weight), next_u, next_v, and later, the value in inference after it. Of each model NAME there are
NAME/parameters and NAME/buffers (all of them in one row each, sorted by their names), NAME/pictures, NAME/classes,
NAME/latents (of a variational autoencoder: its noise), NAME/loss in training, NAME/gradients (of the loss, like the
parameters; zeros where none arrives), NAME/buffers_after (after that step), and NAME/made, pictures made in inference of
the latents by these.
"""

import math

import torch
from torch.nn import functional

from golden import Golden

golden = Golden(seed=77)

SIZES = [(2, 2), (3, 3), (5, 6)]  # of the stages
CHANNELS = [4, 2, 1]
CLASSES, LATENT = 3, 4


def numbers(*shape):
    return golden.normal(*shape).mul(0.5).bfloat16().double()


class Weight(torch.nn.Module):
    """A weight that torch.nn.utils.spectral_norm divides."""

    def __init__(self, weight, u, v):
        super().__init__()
        self.weight = torch.nn.Parameter(weight)
        torch.nn.utils.spectral_norm(self, "weight", n_power_iterations=1, eps=1e-12, dim=0)
        self.weight_u, self.weight_v = u.clone(), v.clone()

    def forward(self):
        return self.weight


def unit(size):
    return functional.normalize(golden.normal(size), dim=0)


class Model:
    def __init__(self, conditional):
        self.conditional = conditional
        self.p, self.b, self.spectral = {}, {}, {}

    def norm(self, name, channels, conditional):
        inner = name + ".norm" if conditional else name
        self.p[inner + ".weight"] = numbers(channels) + 1
        self.p[inner + ".bias"] = numbers(channels)
        self.b[inner + ".running_mean"] = torch.zeros(channels).double()
        self.b[inner + ".running_variance"] = torch.ones(channels).double()
        if conditional:
            self.p[name + ".gain.weight"] = numbers(CLASSES, channels)
            self.p[name + ".shift.weight"] = numbers(CLASSES, channels)

    def normalise(self, name, x, classes, training):
        """x [batch, channels, height, width]."""
        conditional = name + ".gain.weight" in self.p
        inner = name + ".norm" if conditional else name
        y = functional.batch_norm(x, self.b[inner + ".running_mean"], self.b[inner + ".running_variance"],
                                  self.p[inner + ".weight"], self.p[inner + ".bias"], training, 0.1, 1e-5)
        if conditional:
            gain, shift = (self.p[f"{name}.{part}.weight"][classes][:, :, None, None] for part in ("gain", "shift"))
            y = (1 + gain) * y + shift
        return functional.relu(y)

    def attention(self, name, channels):
        for part, rows in (("qkv", 3 * channels), ("output", channels)):
            self.p[f"{name}.attention.{part}.weight"] = numbers(rows, channels)
            self.p[f"{name}.attention.{part}.bias"] = numbers(rows)

    def attend(self, name, x):
        """One head over all places."""
        batch, channels, height, width = x.shape
        places = x.flatten(2).transpose(1, 2)
        of = lambda part: (self.p[f"{name}.attention.{part}.weight"], self.p[f"{name}.attention.{part}.bias"])
        q, k, v = functional.linear(places, *of("qkv")).chunk(3, dim=2)
        y = ((q @ k.transpose(1, 2)) / math.sqrt(channels)).softmax(-1) @ v
        return x + functional.linear(y, *of("output")).transpose(1, 2).view(x.shape)

    def make_generator(self, prefix):
        inputs = LATENT * (2 if self.conditional else 1)
        if self.conditional:
            self.p[prefix + "class_embedding.weight"] = numbers(CLASSES, LATENT)
        places = SIZES[0][0] * SIZES[0][1]
        self.p[prefix + "input.weight"] = numbers(places * CHANNELS[0], inputs)
        self.p[prefix + "input.bias"] = numbers(places * CHANNELS[0])
        for stage, channels in enumerate(CHANNELS):
            self.norm(f"{prefix}norms.{stage}", channels, self.conditional)
            out = CHANNELS[stage + 1] if stage < 2 else 2
            self.p[f"{prefix}convolutions.{stage}.weight"] = numbers(out, channels, 3, 3)
        self.p[prefix + "convolutions.2.bias"] = numbers(2)
        self.attention(prefix + "attention", CHANNELS[1])

    def generate(self, prefix, z, classes, training):
        p = self.p
        if self.conditional:
            z = torch.cat([z, p[prefix + "class_embedding.weight"][classes]], dim=1)
        x = functional.linear(z, p[prefix + "input.weight"], p[prefix + "input.bias"])
        x = x.view(len(z), *SIZES[0], CHANNELS[0]).permute(0, 3, 1, 2)
        x = self.normalise(prefix + "norms.0", x, classes, training)
        for stage in (1, 2):
            x = functional.interpolate(x, size=SIZES[stage], mode="nearest")
            x = functional.conv2d(x, p[f"{prefix}convolutions.{stage - 1}.weight"], padding=1)
            x = self.normalise(f"{prefix}norms.{stage}", x, classes, training)
            if stage == 1:
                x = self.attend(prefix + "attention", x)
        x = functional.conv2d(x, p[prefix + "convolutions.2.weight"], p[prefix + "convolutions.2.bias"], padding=1)
        return torch.tanh(x).permute(0, 2, 3, 1)

    def prepare(self):
        for value in self.p.values():
            value.requires_grad_()


class Vae(Model):
    def __init__(self, conditional):
        super().__init__(conditional)
        self.make_generator("decoder.")
        channels = 2
        for i, out in enumerate(reversed(CHANNELS)):
            self.p[f"encoder.convolutions.{i}.weight"] = numbers(out, channels, 3, 3)
            self.norm(f"encoder.norms.{i}", out, False)
            channels = out
        inputs = SIZES[0][0] * SIZES[0][1] * channels
        if conditional:
            self.p["encoder.class_embedding.weight"] = numbers(CLASSES, LATENT)
            inputs += LATENT
        self.p["encoder.posterior.weight"] = numbers(2 * LATENT, inputs) / 4
        self.p["encoder.posterior.bias"] = numbers(2 * LATENT)

    def loss(self, pictures, classes, noise):
        x = pictures.permute(0, 3, 1, 2)
        for i in range(3):
            x = functional.conv2d(x, self.p[f"encoder.convolutions.{i}.weight"], stride=2 if i else 1, padding=1)
            x = self.normalise(f"encoder.norms.{i}", x, classes, True)
        x = x.permute(0, 2, 3, 1).flatten(1)
        if self.conditional:
            x = torch.cat([x, self.p["encoder.class_embedding.weight"][classes]], dim=1)
        mean, log_variance = functional.linear(x, self.p["encoder.posterior.weight"],
                                               self.p["encoder.posterior.bias"]).chunk(2, dim=1)
        posterior = torch.distributions.Normal(mean, (log_variance / 2).exp())
        decoded = self.generate("decoder.", mean + posterior.stddev * noise, classes, True)
        divergence = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0)).sum(1).mean()
        return ((pictures - decoded) ** 2).sum((1, 2, 3)).mean() + 0.5 * divergence

    made_by = "decoder."


class Gan(Model):
    def __init__(self, conditional, player):
        super().__init__(conditional)
        self.player = player
        self.make_generator("generator.")
        d, channels = "discriminator.", 2
        for i, (out, kernel) in enumerate(zip([2, 4, 4, 8, 8], [3, 4, 3, 4, 3])):
            self.divided(f"{d}convolutions.{i}", out, channels, kernel, kernel)
            self.p[f"{d}convolutions.{i}.bias"] = numbers(out)
            channels = out
        self.attention(d + "attention", 4)
        self.divided(d + "head", 1, channels)
        self.p[d + "head.bias"] = numbers(1)
        if conditional:
            self.divided(d + "class_embedding", CLASSES, channels)

    def divided(self, name, rows, *columns):
        self.p[name + ".weight"] = numbers(rows, *columns)
        self.b[name + ".u"] = unit(rows)
        self.b[name + ".v"] = unit(math.prod(columns))

    def prepare(self):
        super().prepare()
        for name in list(self.b):
            if name.endswith(".u"):
                module = name[:-2]
                weight = Weight(self.p[module + ".weight"].detach(), self.b[name], self.b[module + ".v"])
                self.spectral[module] = weight
                self.p[module + ".weight"] = weight.weight_orig

    def value(self, name):
        divided = self.spectral["discriminator." + name]()
        self.b[f"discriminator.{name}.u"] = self.spectral["discriminator." + name].weight_u
        self.b[f"discriminator.{name}.v"] = self.spectral["discriminator." + name].weight_v
        return divided

    def score(self, pictures, classes):
        p, x = self.p, pictures.permute(0, 3, 1, 2)
        for i in range(5):
            x = functional.relu(functional.conv2d(x, self.value(f"convolutions.{i}"),
                                                  p[f"discriminator.convolutions.{i}.bias"],
                                                  stride=1 + i % 2, padding=1))
            if i == 2:
                x = self.attend("discriminator.attention", x)
        h = x.sum((2, 3))
        score = functional.linear(h, self.value("head"), p["discriminator.head.bias"])[:, 0]
        return score + (self.value("class_embedding")[classes] * h).sum(1) if self.conditional else score

    def loss(self, pictures, classes, latents):
        made = self.generate("generator.", latents, classes, True)
        if self.player == "generator":
            return -self.score(made, classes).mean()
        scores = self.score(torch.cat([pictures, made.detach()]), torch.cat([classes, classes]))
        real, fake = scores.chunk(2)
        return functional.relu(1 - real).mean() + functional.relu(1 + fake).mean()

    made_by = "generator."


def row(tensors):
    return torch.cat([tensors[name].detach().flatten() for name in sorted(tensors)])


def record(name, model, of_player):
    out = golden.tensors
    pictures, latents = golden.uniform(4, 5, 6, 2, low=-1), golden.normal(4, LATENT)
    classes = torch.tensor([2, 0, 1, 2])
    out.update({f"{name}/parameters": row(model.p), f"{name}/buffers": row(model.b)})
    model.prepare()
    loss = model.loss(pictures, classes, latents)
    loss.backward()
    # A player's loss teaches that player alone.
    gradients = {key: value.grad if value.grad is not None and key.startswith(of_player) else torch.zeros_like(value)
                 for key, value in model.p.items()}
    out.update({f"{name}/pictures": pictures, f"{name}/classes": classes, f"{name}/latents": latents,
                f"{name}/loss": loss, f"{name}/gradients": row(gradients), f"{name}/buffers_after": row(model.b),
                f"{name}/made": model.generate(model.made_by, latents, classes, False)})
    print(name, round(loss.item(), 4), sum(value.numel() for value in model.p.values()))


weight, u, v, cotangent = golden.normal(3, 2, 2, 3), unit(3), unit(12), golden.normal(3, 2, 2, 3)
module = Weight(weight, u, v)
value = module()
value.backward(cotangent)
golden.tensors.update({"spectral/weight": weight, "spectral/u": u, "spectral/v": v, "spectral/cotangent": cotangent,
                       "spectral/value": value, "spectral/gradient": module.weight_orig.grad,
                       "spectral/next_u": module.weight_u, "spectral/next_v": module.weight_v})
module.eval()
golden.tensors["spectral/later"] = module()

record("vae", Vae(False), "")
record("conditional_vae", Vae(True), "")
record("gan_discriminator", Gan(True, "discriminator"), "discriminator.")
record("gan_generator", Gan(True, "generator"), "generator.")
record("unconditional_gan", Gan(False, "discriminator"), "discriminator.")
golden.write("image_generation.safetensors")
