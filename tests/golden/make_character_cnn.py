"""Writes character_cnn.safetensors: convolution and max pooling over the characters of words, for tests/nn.

    python3 tests/golden/make_character_cnn.py
"""

import torch

from golden import Golden

golden = Golden(seed=23)


def character_cnn(table, weight, bias, characters, lengths):
    filters, dim = weight.shape[0], table.shape[1]
    inside = torch.arange(characters.shape[1])[None] < lengths[:, None]
    embedded = table[characters] * inside[..., None]
    kernel = weight.view(filters, -1, dim).permute(0, 2, 1)
    scores = torch.nn.functional.conv1d(embedded.transpose(1, 2), kernel, bias, padding=kernel.shape[2] // 2)
    return scores.masked_fill(~inside[:, None], float("-inf")).amax(2)


def case(name, count, dim, filters, width, words, length):
    lengths = 1 + golden.integers(words, bound=length)
    lengths[0] = length
    golden.case(name, character_cnn, golden.normal(count, dim), golden.normal(filters, width * dim),
                golden.normal(filters), golden.integers(words, length, bound=count), lengths)


case("small", 5, 3, 4, 3, 3, 4)
case("wide", 9, 4, 7, 5, 6, 11)
case("one", 3, 2, 2, 1, 2, 1)

golden.write("character_cnn.safetensors")
