"""How many trained networks `settle` brings next to an exact critical point that is proved.

    python benchmarks/trained.py                         a few starts of each size
    python benchmarks/trained.py --starts 20             the whole table
    python benchmarks/trained.py --keep networks.npz     train once, settle many times
    python benchmarks/trained.py --more                  other data and shapes, regression, too

Networks are trained without this toolkit: full-batch BFGS of SciPy, then Adam with a rate that
falls to zero. Each line is one network: the loss before and after, how many pairs sit on their
kink, why `settle` stopped, and what `nearby_minimum`, or else `verify`, proves of what it settled.
"""

import argparse
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
from flint import arb
from scipy.optimize import minimize
from sklearn import datasets as bundled

from constructions import verify
from constructions.critical.points import BITS
from constructions.critical.search import nearby_minimum
from constructions.proof.exact import precision
from geomcore import ReLUNetwork
from geomcore.arrays import as_labels
from training import settle

SHAPES = [(2,), (3,), (4,), (6,), (8,), (2, 2), (3, 3), (4, 3), (5, 5), (8, 8)]
MORE_SHAPES = [(1,), (2,), (3,), (6,), (3, 3), (5, 4), (3, 3, 3)]
RTOL = 1e-8
ADAM_STEPS = 6000


def data():
    """Name, points and labels."""
    iris = bundled.load_iris()
    yield "iris", (iris.data - iris.data.mean(0)) / iris.data.std(0), iris.target
    wine = bundled.load_wine()
    X = (wine.data - wine.data.mean(0)) / wine.data.std(0)
    yield "wine", X @ np.linalg.svd(X, full_matrices=False)[2][:4].T, wine.target
    yield "moons", *bundled.make_moons(200, noise=0.15, random_state=3)
    rng = np.random.default_rng(7)
    corners = np.array([[0, 0], [1, 1], [0, 1], [1, 0]])
    X = np.repeat(corners, 25, axis=0) + 0.12 * rng.standard_normal((100, 2))
    yield "xor", X, np.repeat([0, 0, 1, 1], 25)


def more_data():
    """The same of other data; rows of targets where they are to be fitted."""
    yield "circles", *bundled.make_circles(120, noise=0.08, factor=0.5, random_state=1)
    tumours = bundled.load_breast_cancer()
    X = (tumours.data - tumours.data.mean(0)) / tumours.data.std(0)
    yield "breast", X @ np.linalg.svd(X, full_matrices=False)[2][:3].T, tumours.target
    rng = np.random.default_rng(5)
    X = rng.uniform(-2, 2, (80, 1))
    yield "sine", X, np.sin(2 * X)
    X = rng.standard_normal((100, 3))
    Y = np.column_stack([np.abs(X[:, 0]) - X[:, 1], X[:, 2] * X[:, 0]])
    yield "products", X, Y + 0.05 * rng.standard_normal((100, 2))
    patients = bundled.load_diabetes()
    yield "diabetes", patients.data[:150, :4] * 20, (patients.target[:150, None] - 150) / 77


def wanted(y):
    """The targets of labels, or of rows of targets these."""
    return np.eye(y.max() + 1)[y] if y.ndim == 1 else y


def start(widths, seed):
    """Random parameters as He proposed, one vector."""
    rng = np.random.default_rng(seed)
    parts = []
    for n, m in pairwise(widths):
        parts += [rng.standard_normal(m * n) * np.sqrt(2 / n), 0.1 * rng.standard_normal(m)]
    return np.concatenate(parts)


def split(theta, widths):
    """Weights and biases of a vector."""
    weights, biases, at = [], [], 0
    for n, m in pairwise(widths):
        weights.append(theta[at : at + m * n].reshape(m, n))
        biases.append(theta[at + m * n : at + m * n + m])
        at += m * n + m
    return weights, biases


def value_and_gradient(theta, widths, X, Y):
    """Mean squared error and its gradient."""
    weights, biases = split(theta, widths)
    read, values = [X], []
    for W, b in zip(weights, biases, strict=True):
        values.append(read[-1] @ W.T + b)
        read.append(np.maximum(values[-1], 0))
    error = values[-1] - Y
    slope, parts = 2 * error / len(X), []
    for l in reversed(range(len(weights))):
        parts += [slope.sum(0), (slope.T @ read[l]).ravel()]
        if l:
            slope = (slope @ weights[l]) * (values[l - 1] > 0)
    return (error**2).sum() / len(X), np.concatenate(parts[::-1])


def trained(widths, X, Y, seed):
    """Parameters after BFGS and Adam."""
    problem = widths, X, Y
    options = {"maxiter": 3000, "gtol": 1e-9}
    theta = minimize(
        value_and_gradient, start(widths, seed), problem, "BFGS", jac=True, options=options
    ).x
    mean = square = 0.0
    for step in range(1, ADAM_STEPS + 1):
        slope = value_and_gradient(theta, *problem)[1]
        mean, square = 0.9 * mean + 0.1 * slope, 0.999 * square + 0.001 * slope**2
        rate = 5e-4 * (1 + np.cos(np.pi * step / ADAM_STEPS))
        ahead = np.sqrt(square / (1 - 0.999**step)) + 1e-12
        theta = theta - rate * mean / (1 - 0.9**step) / ahead
    return theta


def networks(cases, starts, keep, shapes):
    """Name, widths, seed and network, from a file where they were kept before."""
    kept = dict(np.load(keep)) if keep and Path(keep).exists() else {}
    for seed in range(starts):
        for name, X, y in cases:
            Y = wanted(y)
            for shape in shapes:
                widths = (X.shape[1], *shape, Y.shape[1])
                key = f"{name} {'-'.join(map(str, widths))} {seed}"
                if key not in kept:
                    kept[key] = trained(widths, X, Y, seed)
                    if keep:
                        np.savez(keep, **kept)
                yield name, key, ReLUNetwork(*split(kept[key], widths))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--starts", type=int, default=2)
    parser.add_argument("--keep", help="a file of trained networks, .npz")
    parser.add_argument("--seconds", type=float, default=20.0, help="limit of each settling")
    parser.add_argument("--only", default="", help="cases whose line begins so")
    parser.add_argument("--more", action="store_true", help="other data and shapes")
    args = parser.parse_args()
    cases = list(more_data() if args.more else data())
    shapes = MORE_SHAPES if args.more else SHAPES
    points = {name: (X, y) for name, X, y in cases}
    ends, seconds, apart = Counter(), [], {}
    for name, key, net in networks(cases, args.starts, args.keep, shapes):
        if not key.startswith(args.only):
            continue
        X, y = points[name]
        began = time.process_time()
        settled = settle(net, X, y, seconds=args.seconds)
        taken = time.process_time() - began
        labels = as_labels(y, len(X))
        with precision(BITS):
            weights = [arb(1) / len(X)] * len(labels.classes)
        proof, why = nearby_minimum(settled.network, X, labels, weights)
        size = np.sqrt(sum((t**2).sum() for t in settled.network.tensors))
        end = settled.reason.split(":")[0]
        if proof is None:
            certificate = verify(settled.network, X, y)
            if certificate.proved and certificate.slack:
                end = "proved but for a slack"
            elif certificate.proved and certificate.verdict != "not stationary":
                end = "proved by verify"
            else:
                end += ", not proved"
        elif proof.distance > RTOL * size:
            end += ", proved too far away"
        else:
            end = "proved next to it"
        ends[end] += 1
        apart.setdefault(name, Counter())[end] += 1
        seconds.append(taken)
        found = why if proof is None else f"{why}, {proof.distance / size:.0e} of the norm away"
        print(
            f"{key:22s} {settled.loss_before:.6e} -> {settled.loss:.9e}  "
            f"{len(settled.kinks):2d} kinks  {taken:6.2f} s  {end}: {settled.reason}; {found}",
            flush=True,
        )
    for name, counts in apart.items():
        print(f"{name}: " + ", ".join(f"{n} {end}" for end, n in counts.most_common()))
    print(f"all: {sum(ends.values())}: " + ", ".join(f"{n} {e}" for e, n in ends.most_common()))
    print(f"settle: median {np.median(seconds):.2f} s of a core, longest {max(seconds):.2f} s")


if __name__ == "__main__":
    main()
