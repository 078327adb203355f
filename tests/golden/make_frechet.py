"""Writes frechet.json for tests/metric/frechet_test.cpp: Frechet distances by numpy's covariances and scipy's root of a
matrix, as pytorch-fid computes them.

    pip install numpy scipy
    python3 tests/golden/make_frechet.py
"""

import json
import pathlib

import numpy
import scipy.linalg

rng = numpy.random.default_rng(5)


def distance(a, b):
    A, B = (numpy.atleast_2d(numpy.cov(x, rowvar=False)) for x in (a, b))
    root = scipy.linalg.sqrtm(A @ B)
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + numpy.trace(A) + numpy.trace(B) - 2 * numpy.trace(root).real


def case(name, a, b):
    # As the numbers that a network gives: single precision.
    a, b = (x.astype(numpy.float32) for x in (a, b))
    return {"name": name, "features": a.shape[1], "a": a.flatten().tolist(), "b": b.flatten().tolist(),
            "distance": float(distance(a.astype(float), b.astype(float)))}


def mixed(rows, features):
    return rng.normal(size=(rows, features)) @ rng.normal(size=(features, features))


near = mixed(40, 5)
cases = [
    case("one feature", rng.normal(size=(6, 1)), 2 * rng.normal(size=(9, 1)) + 1),
    case("correlated features", mixed(30, 8), mixed(25, 8) + 0.5),
    case("nearly the same", near, near + 0.01 * rng.normal(size=near.shape)),
    case("different scales", rng.normal(size=(30, 4)) * [1, 10, 0.1, 3], rng.normal(size=(30, 4)) * [2, 1, 0.1, 30]),
]
pathlib.Path(__file__).with_name("frechet.json").write_text(json.dumps(cases, indent=None) + "\n")
for entry in cases:
    print(entry["name"], entry["distance"])
