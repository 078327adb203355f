"""Writes optimizer.safetensors: ten updates by PyTorch's optimizers in double precision, for tests/train.

    python3 tests/golden/make_optimizer.py

A case is a matrix `weight`, which decays, and a vector `bias`, which does not. Its entries are NAME/weight.0 and
NAME/bias.0 (the start), NAME/weight.T and NAME/bias.T after update T = 1 ... 10, and the gradients of that update,
NAME/weight_gradient.T and NAME/bias_gradient.T. The learning rate of update T is 0.01 T. The gradients of the case
`clipped` are clipped to a norm of 1; NAME/norm.T is their norm before. Needs Debian's python3-torch.
"""

import torch

from golden import FOLDER, Golden, write_safetensors

UPDATES = 10


def record(golden, name, make, clip=None):
    weight = golden.normal(13, 3).requires_grad_()
    bias = golden.normal(13).requires_grad_()
    optimizer = make(weight, bias)
    entries = {"weight.0": weight.detach().clone(), "bias.0": bias.detach().clone()}
    for update in range(1, UPDATES + 1):
        for label, parameter in (("weight", weight), ("bias", bias)):
            parameter.grad = golden.normal(*parameter.shape)
            entries[f"{label}_gradient.{update}"] = parameter.grad.clone()
        if clip is not None:
            norm = torch.nn.utils.clip_grad_norm_([weight, bias], clip)
            entries[f"norm.{update}"] = norm.reshape(1)
        optimizer.param_groups[0]["lr"] = optimizer.param_groups[1]["lr"] = 0.01 * update
        optimizer.step()
        entries[f"weight.{update}"] = weight.detach().clone()
        entries[f"bias.{update}"] = bias.detach().clone()
    golden.tensors.update({f"{name}/{key}": value for key, value in entries.items()})


def groups(weight, bias, decay):
    return [{"params": [weight], "weight_decay": decay}, {"params": [bias], "weight_decay": 0.0}]


def main():
    golden = Golden(seed=2)
    record(golden, "adamw", lambda w, b: torch.optim.AdamW(groups(w, b, 0.1), lr=1, betas=(0.9, 0.99), eps=1e-8))
    record(golden, "clipped", lambda w, b: torch.optim.AdamW(groups(w, b, 0.0), lr=1, betas=(0.8, 0.999), eps=1e-6), 1.0)
    record(golden, "sgd", lambda w, b: torch.optim.SGD(groups(w, b, 0.05), lr=1))
    record(golden, "momentum", lambda w, b: torch.optim.SGD(groups(w, b, 0.05), lr=1, momentum=0.9))
    record(golden, "nesterov", lambda w, b: torch.optim.SGD(groups(w, b, 0.05), lr=1, momentum=0.9, nesterov=True))
    write_safetensors(FOLDER / "optimizer.safetensors", golden.tensors)


if __name__ == "__main__":
    main()
