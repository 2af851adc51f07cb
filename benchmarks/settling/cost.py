"""Processor time of `settle` and `verify`, and where it goes.

    PYTHONPATH=benchmarks python benchmarks/settling/cost.py      about 200 parameters and points
    ... --large          about 2,000 parameters, up to 1,000 points
    ... --planted        `verify` alone, of minima on tens of kinks
    ... --keep nets.npz  train once, measure many times
    ... --profile 12     the 12 functions that take longest

Networks are trained without this toolkit, by L-BFGS of SciPy and then Adam, all points at once, as
`benchmarks/trained.py` does. What is told of each: how `settle` and `verify` end, with their time.
Planted minima need no training: targets are chosen so that some random parameters are a local
minimum, with units on their kink. `settle` is not asked to leave them.
"""

import argparse
import cProfile
import io
import pstats
import resource
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from sklearn import datasets as bundled
from trained import split, start, value_and_gradient, wanted

from constructions import verify
from constructions.critical import cell as calculus
from constructions.critical.cell import Cell
from geomcore import ReLUNetwork
from geomcore.threads import single_threaded_blas
from training import settle
from training.settling.derivatives import height_rows, jacobian

ADAM_STEPS, RATE = 6000, 5e-4
PLANTED = [((20, 8, 2), 200, 5), ((61, 20, 12, 5), 400, 12), ((61, 25, 10), 1000, 40)]


def standard(X):
    """Columns that are not constant, with mean 0 and variance 1."""
    X = X[:, X.std(axis=0) > 0]
    return (X - X.mean(axis=0)) / X.std(axis=0)


def components(X, d):
    """The first principal components of standardised points."""
    X = standard(X)
    return X @ np.linalg.svd(X, full_matrices=False)[2][:d].T


def small():
    """Name, hidden widths, points and labels: about 200 parameters, up to 200 points."""
    iris, wine = bundled.load_iris(), bundled.load_wine()
    moons = bundled.make_moons(200, noise=0.15, random_state=3)
    noisy = bundled.make_moons(200, noise=0.35, random_state=3)
    yield "moons", (11, 11), *moons
    yield "moons", (40,), *moons
    yield "noisy moons", (11, 11), *noisy
    yield "noisy moons", (40,), *noisy
    yield "iris", (10, 10), standard(iris.data), iris.target
    yield "iris", (25,), standard(iris.data), iris.target
    yield "wine, 4", (10, 10), components(wine.data, 4), wine.target
    yield "wine, 4", (25,), components(wine.data, 4), wine.target
    yield "wine", (11,), standard(wine.data), wine.target


def large():
    """The same with about 2,000 parameters and up to 1,000 points."""
    digits = bundled.load_digits()
    X = standard(digits.data)
    few = digits.target[:537] % 3
    yield "digits mod 3", (29,), X[:537], few
    yield "digits mod 3", (29,), X[:1000], digits.target[:1000] % 3
    yield "digits", (25,), X[:1000], digits.target[:1000]
    yield "digits", (20, 20), X[:1000], digits.target[:1000]
    rng = np.random.default_rng(4)
    X, y = rng.standard_normal((1000, 50)), rng.integers(0, 2, 1000)
    yield "noise", (37,), X, y
    yield "noise", (30, 12), X, y


def planted(widths, N, kinks, seed):
    """(network, X, Y) of a local minimum with so many kinks of the first layer.

    With s the derivative of the loss in the outputs, J^T s + Z^T mu = 0, each multiplier in mu
    being half of how fast the loss rises as its unit goes on, which is linear in s.
    """
    rng = np.random.default_rng(seed)
    X, theta = rng.standard_normal((N, widths[0])), start(widths, seed)
    weights, biases = split(theta, widths)  # views
    W, c = weights[0], biases[0]
    places = np.argsort(np.abs(X @ W.T + c), axis=None)[:kinks].tolist()
    pairs = [(0, *divmod(place, widths[1])) for place in places]
    for u in {u for _, _, u in pairs}:
        rows = np.column_stack([X, np.ones(N)])[[i for _, i, unit in pairs if unit == u]]
        step = np.linalg.pinv(rows) @ (rows @ np.append(W[u], c[u]))
        W[u], c[u] = W[u] - step[:-1], c[u] - step[-1]
    masks, read = [], X
    for own, bias in zip(weights[:-1], biases[:-1], strict=True):
        value = read @ own.T + bias
        masks.append((value > 0).astype(float))
        if len(masks) == 1:
            masks[0][tuple(np.array([pair[1:] for pair in pairs]).T)] = 0.0
        read = value * masks[-1]
    cell = Cell(widths, X, None, [], masks, pairs)
    found = calculus.forwards(cell, theta)
    J, Z = jacobian(cell, found), height_rows(cell, found)
    rises = np.zeros((kinks, N, widths[-1]))
    for a, (_, i, u) in enumerate(pairs):
        back = found.W[1][:, u]
        for l, W in enumerate(found.W[2:], 1):
            back = W @ (back * cell.masks[l][i])
        rises[a, i] = back
    rises = rises.reshape(kinks, -1)
    s = 0.04 / N * rng.standard_normal(N * widths[-1])
    least = 0.2 * np.abs(rises @ s).mean()
    least = np.maximum(np.abs(rises @ s), least)
    A, b = np.vstack([J.T, rises]), np.concatenate([-Z.T @ least / 2, least])
    for _ in range(2):
        s = s + np.linalg.lstsq(A, b - A @ s, rcond=1e-11)[0]
    Y = found.values[-1] - s.reshape(N, -1) * N / 2
    return ReLUNetwork(*split(theta, widths)), X, Y


def trained(widths, X, Y, seed):
    """Parameters after L-BFGS and Adam."""
    problem = widths, X, Y
    theta = minimize(
        value_and_gradient,
        start(widths, seed),
        problem,
        "L-BFGS-B",
        jac=True,
        options={"maxiter": 3000, "maxfun": 4000, "gtol": 1e-9, "ftol": 0.0},
    ).x
    mean = square = 0.0
    for step in range(1, ADAM_STEPS + 1):
        slope = value_and_gradient(theta, *problem)[1]
        mean, square = 0.9 * mean + 0.1 * slope, 0.999 * square + 0.001 * slope**2
        rate = RATE * (1 + np.cos(np.pi * step / ADAM_STEPS))
        ahead = np.sqrt(square / (1 - 0.999**step)) + 1e-12
        theta = theta - rate * mean / (1 - 0.9**step) / ahead
    return theta


class Kept:
    """Arrays by name, from a file if there is one, that are computed where they are missing."""

    def __init__(self, path):
        self.path = path
        self.arrays = dict(np.load(path)) if path and Path(path).exists() else {}

    def get(self, name, compute):
        if name not in self.arrays:
            self.arrays[name] = compute()
            if self.path:
                np.savez(self.path, **self.arrays)
        return self.arrays[name]


def measured(function, most):
    """(result, processor seconds, text of the functions that took longest)."""
    profile = cProfile.Profile(time.process_time) if most else nullcontext()
    began = time.process_time()
    with profile:
        result = function()
    taken, text = time.process_time() - began, io.StringIO()
    if most:
        pstats.Stats(profile, stream=text).strip_dirs().sort_stats("cumulative").print_stats(
            r"\.py", most
        )
    return result, taken, text.getvalue()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--large", action="store_true", help="about 2,000 parameters")
    parser.add_argument("--starts", type=int, default=1)
    parser.add_argument("--keep", help="a file of trained and settled networks, .npz")
    parser.add_argument("--only", default="", help="cases whose line begins so")
    parser.add_argument("--seconds", type=float, default=300.0, help="limit of each settling")
    parser.add_argument("--as-kept", action="store_true", help="verify what settle left before")
    parser.add_argument("--profile", type=int, default=0, help="how many functions to tell")
    parser.add_argument("--planted", action="store_true", help="minima that are planted")
    args = parser.parse_args()
    if args.planted:
        for widths, N, kinks in PLANTED:
            key = f"planted {'-'.join(map(str, widths))} x {N}, {kinks} kinks"
            if key.startswith(args.only):
                with single_threaded_blas():
                    net, X, Y = planted(widths, N, kinks, 1)
                    tell_verified(key, net, X, Y, args)
        return
    kept = Kept(args.keep)
    for seed in range(args.starts):
        for name, hidden, X, y in large() if args.large else small():
            Y = wanted(y)
            widths = (X.shape[1], *hidden, Y.shape[1])
            key = f"{name} {'-'.join(map(str, widths))} x {len(X)}, start {seed}"
            if key.startswith(args.only):
                with single_threaded_blas():
                    measure(key, widths, X, y, kept, seed, args)


def measure(key, widths, X, y, kept, seed, args):
    """Print what one network costs."""
    theta = kept.get(key, lambda: trained(widths, X, wanted(y), seed))
    net, settled = ReLUNetwork(*split(theta, widths)), f"{key} settled"
    if args.as_kept and settled in kept.arrays:
        net = ReLUNetwork(*split(kept.arrays[settled], widths))
    else:
        found, spent, text = measured(lambda: settle(net, X, y, seconds=args.seconds), args.profile)
        net = found.network
        kept.arrays.pop(settled, None)
        kept.get(settled, lambda: net.packed()[0])
        told = f"{spent:.2f} s, {found.reason}, {len(found.kinks)} kinks"
        print(f"{key}, settle {told}\n{text}", end="", flush=True)
    tell_verified(key, net, X, y, args)


def tell_verified(key, net, X, y, args):
    """Print what `verify` costs, and what fails."""
    found, taken, text = measured(lambda: verify(net, X, y), args.profile)
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    kind = f"{found.verdict}{' (proved)' if found.proved else ''}, {len(found.kinks)} kinks"
    told = f"{kind}, loss {found.loss:.9g}, P = {net.parameter_count}"
    print(f"{key}, verify {taken:.2f} s, {told}; at most {size:.2f} GB so far", flush=True)
    for check in found.checks:
        if not check.passed:
            print(f"    {check.name}: {check.detail}", flush=True)
    print(text, end="", flush=True)


if __name__ == "__main__":
    main()
