"""Writes bag_of_words.safetensors: embedding bags weighted by damped counts, for tests/nn.

    python3 tests/golden/make_bag_of_words.py
"""

import torch

from golden import Golden

golden = Golden(seed=31)


def bag_of_words(table, bias, tokens, lengths):
    rows = []
    for row, length in zip(tokens, lengths):
        words = row[:length]
        words = words[words < table.shape[0]]
        if len(words) == 0:
            rows.append(bias)
            continue
        words, counts = torch.unique(words, return_counts=True)
        damped = 1 + torch.log(counts.to(table.dtype))
        rows.append(50 * (damped / damped.norm()) @ table[words] + bias)
    return torch.stack(rows)


def case(name, words, classes, batch, length):
    lengths = 1 + golden.integers(batch, bound=length)
    lengths[0] = length
    golden.case(name, bag_of_words, golden.normal(words, classes), golden.normal(classes),
                golden.integers(batch, length, bound=words + 2), lengths)


case("small", 4, 3, 5, 6)
case("wide", 60, 17, 4, 40)
case("one", 1, 1, 3, 2)

golden.write("bag_of_words.safetensors")
