"""Writes crf.safetensors: the likelihood of a linear-chain CRF by logsumexp, for tests/op.

    python3 tests/golden/make_crf.py
"""

import torch

from golden import Golden

golden = Golden(seed=17)


def negative_log_likelihood(emissions, transitions, start, end, tags, lengths):
    """Of each sequence: the forward algorithm one place after the other; PyTorch differentiates it."""
    losses = []
    for scores, path, length in zip(emissions, tags, lengths):
        alpha, found = start + scores[0], start[path[0]] + scores[0, path[0]]
        for t in range(1, length):
            alpha = torch.logsumexp(alpha[:, None] + transitions, 0) + scores[t]
            found = found + transitions[path[t - 1], path[t]] + scores[t, path[t]]
        losses.append(torch.logsumexp(alpha + end, 0) - found - end[path[length - 1]])
    return torch.stack(losses)


def case(name, sequences, places, classes):
    lengths = 1 + golden.integers(sequences, bound=places)
    lengths[0] = places
    golden.case(name, negative_log_likelihood, golden.normal(sequences, places, classes),
                golden.normal(classes, classes), golden.normal(classes), golden.normal(classes),
                golden.integers(sequences, places, bound=classes), lengths)


case("small", 3, 4, 2)
case("large", 5, 19, 17)
case("one_tag", 2, 3, 1)

golden.write("crf.safetensors")
