"""Time the compiled kernels against plain NumPy: ratios within one run, best of repeats.

    python benchmarks/kernels.py            the sizes that RESULTS.md quotes
    python benchmarks/kernels.py --sizes    where loops, tiles and BLAS cross

Every row calls the public function, checks included; NumPy gets the textbook
expression. Times are the shortest of ``--repeats`` runs.
"""

import argparse
import time
from itertools import pairwise

import numpy as np

from geomcore import (
    ReLUNetwork,
    activation_pattern,
    cumulative_parameters,
    input_gradients,
    kernels,
    truncation_map,
)


def shortest(functions, repeats):
    """Return the shortest time of each function in ms, in two rounds of runs in a row.

    In a row, because the threads BLAS leaves spinning for a while after a
    product would otherwise be charged to the function that comes next.
    """
    times = [[] for _ in functions]
    for _ in range(2):
        for function, taken in zip(functions, times, strict=True):
            function()
            for _ in range((repeats + 1) // 2):
                start = time.perf_counter()
                function()
                taken.append(1e3 * (time.perf_counter() - start))
    return [min(taken) for taken in times]


def network(widths, rng):
    return ReLUNetwork(
        [rng.normal(size=(m, n)) / np.sqrt(n) for n, m in pairwise(widths)],
        [rng.normal(size=m) for m in widths[1:]],
    )


def numpy_truncation(W, b, X):
    return (np.maximum(X @ W.T + b, 0) - b) @ np.linalg.pinv(W).T


def numpy_pattern(net, X):
    return np.hstack(net.hidden(X)) > 0


def numpy_gradients(net, X):
    values = net.hidden(X)
    G = np.broadcast_to(net.weights[-1][0], values[-1].shape)
    for W, value in zip(net.weights[-2::-1], values[::-1], strict=True):
        G = (G * (value > 0)) @ W
    return G


def compare(name, ours, theirs, repeats):
    np.testing.assert_allclose(
        np.asarray(ours(), float), np.asarray(theirs(), float), atol=1e-6, err_msg=name
    )
    a, b = shortest([ours, theirs], repeats)
    print(f"{name:52s} {a:10.2f} {b:10.2f} {b / a:8.2f}", flush=True)


def truncation_row(d, n, rng, repeats, dtype=np.float64):
    W, b = np.eye(d) + rng.normal(size=(d, d)) / (2 * np.sqrt(d)), rng.normal(size=d)
    X = rng.normal(size=(n, d)).astype(dtype)
    if dtype == np.float64:
        compare(
            f"truncation map {d} x {d}, {n:,} points",
            lambda: truncation_map(W, b, X),
            lambda: numpy_truncation(W, b, X),
            repeats,
        )
    return W, b, X


def rate_row(d, n, rng, repeats):
    """Truncation map of a large layer as a fraction of the rate of a matrix product."""
    W, b = np.eye(d) + rng.normal(size=(d, d)) / (2 * np.sqrt(d)), rng.normal(size=d)
    X = rng.normal(size=(n, d))
    out = np.empty_like(X)
    ours, product = shortest(
        [
            lambda: truncation_map(W, b, X),
            lambda: np.matmul(X, W.T, out=out),
        ],
        repeats,
    )
    flop = 2 * n * d * d
    print(
        f"truncation map {d} x {d}, {n:,} points: {2 * flop / ours / 1e6:.1f} GFLOP/s, product "
        f"{flop / product / 1e6:.1f} GFLOP/s, ratio {2 * product / ours:.3f}",
        flush=True,
    )


def gradient_row(widths, n, rng, repeats):
    net = network(widths, rng)
    X = rng.normal(size=(n, widths[0]))
    compare(
        f"input gradients {'-'.join(map(str, widths))}, {n:,} points",
        lambda: input_gradients(net, X),
        lambda: numpy_gradients(net, X),
        repeats,
    )


def pattern_row(widths, n, rng, repeats):
    net = network(widths, rng)
    X = rng.normal(size=(n, widths[0]))
    compare(
        f"activation pattern {'-'.join(map(str, widths))}, {n:,} points",
        lambda: activation_pattern(net, X),
        lambda: numpy_pattern(net, X),
        repeats,
    )


def forward_row(widths, n, rng, repeats):
    net = network(widths, rng)
    X = rng.normal(size=(n, widths[0]))
    packed = net.packed()
    out = np.empty((n, widths[-1]))

    def forward():
        kernels.forward(*packed, X, out)
        return out

    compare(
        f"forward kernel {'-'.join(map(str, widths))}, {n:,} points, one thread",
        forward,
        lambda: net(X),
        repeats,
    )


def small_rows(rng, repeats):
    """Kernels meant for other compiled code: one small network, one small layer, many times."""
    net = network((3, 3, 3, 3), rng)
    packed = net.packed()
    compare(
        "cumulative parameters 3-3-3-3, 1,000 times",
        lambda: [kernels.cumulative_parameters(*packed) for _ in range(1000)][-1][-3:],
        lambda: [cumulative_parameters(net) for _ in range(1000)][-1][1][-1],
        repeats,
    )
    W, b = net.weights[0].copy(), net.biases[0].copy()
    compare(
        "pseudoinverse cone 3 x 3, 1,000 times",
        lambda: [kernels.pseudoinverse_cone(W, b, 1e-15) for _ in range(1000)][-1][0],
        lambda: [-np.linalg.pinv(W) @ b for _ in range(1000)][-1],
        repeats,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--points", type=int, default=60_000, help="points of the 784 x 784 map")
    parser.add_argument("--sizes", action="store_true", help="show where the methods cross")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    repeats = arguments.repeats
    print(f"{'':52s} {'geomcore':>10s} {'NumPy':>10s} {'ratio':>8s}   (ms, best of {repeats})")
    if arguments.sizes:
        for d in (2, 3, 5, 8, 12, 16, 17, 24, 32, 64, 128):
            truncation_row(d, 2_000_000 // d, rng, repeats)
        for n in (100, 1000, 2047, 2048, 8000, 16_384, 100_000):
            truncation_row(3, n, rng, repeats)
            gradient_row((2, 32, 1, 1), n, rng, repeats)
        for m in (4, 8, 16, 24, 32, 64, 128):
            gradient_row((m, m, m, 1), 50_000, rng, repeats)
        return
    truncation_row(3, 10**6, rng, repeats)
    truncation_row(2, 10**6, rng, repeats)
    gradient_row((2, 32, 1, 1), 10**5, rng, repeats)
    gradient_row((3, 3, 3, 3, 3), 10**5, rng, repeats)
    gradient_row((2, 32, 32, 1), 10**5, rng, repeats)
    pattern_row((2, 32, 1, 1), 10**5, rng, repeats)
    pattern_row((2, 32, 32, 1), 10**5, rng, repeats)
    forward_row((2, 32, 1, 1), 10**5, rng, repeats)
    small_rows(rng, repeats)
    rate_row(784, arguments.points, rng, max(3, repeats // 5))


if __name__ == "__main__":
    main()
