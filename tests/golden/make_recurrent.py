"""Writes recurrent.safetensors: PyTorch's own LSTM and GRU, both directions over packed rows, for tests/op.

    python3 tests/golden/make_recurrent.py

Inputs of a case: x [length, batch, features], then for each direction W_x, W_h, b_x, b_h; the states before, [2, batch,
width] (of lstm hidden states, then cells); lengths [batch], largest first. Outputs: the hidden states of both directions
side by side, zeros at padding, and the last states, [2, batch, width] each.
"""

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, PackedSequence

from golden import Golden

golden = Golden(seed=29)


def layer(kind):
    def run(x, *rest):
        weights, states, lengths = list(rest[:8]), rest[8:-1], rest[-1]
        packed = pack_padded_sequence(x, lengths)
        if kind == "lstm":
            data, h, c = torch._VF.lstm(packed.data, packed.batch_sizes, states, weights, True, 1, 0.0, True, True)
            last = (h, c)
        else:
            data, h = torch._VF.gru(packed.data, packed.batch_sizes, states[0], weights, True, 1, 0.0, True, True)
            last = (h,)
        y, _ = pad_packed_sequence(PackedSequence(data, packed.batch_sizes), total_length=x.shape[0])
        return (y, *last)

    return run


def case(kind, lengths, features, width):
    gates = {"lstm": 4, "gru": 3}[kind]
    batch, length = len(lengths), max(lengths)
    weights = []
    for _ in range(2):
        weights += [golden.normal(gates * width, features) * 0.5, golden.normal(gates * width, width) * 0.5,
                    golden.normal(gates * width), golden.normal(gates * width)]
    states = [golden.normal(2, batch, width) for _ in range(2 if kind == "lstm" else 1)]
    golden.case(kind, layer(kind), golden.normal(length, batch, features), *weights, *states, torch.tensor(lengths))


case("lstm", [6, 6, 4, 1], 3, 5)
case("gru", [7, 5, 2], 4, 6)

golden.write("recurrent.safetensors")
