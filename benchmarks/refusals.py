"""Time what "auto" spends on cones and simplices that refuse, against "universal".

    python benchmarks/refusals.py            the sizes that RESULTS.md quotes
    python benchmarks/refusals.py --quick    the smaller ones

Two classes of random points that overlap, and points on the line. The last column is the time of
both refusals over that of "universal", in one run.
"""

import argparse
import time

import numpy as np

from constructions import ConstructionError, construct


def problems(quick):
    rng = np.random.default_rng(0)
    for n, d, shift in ((300, 6, 0.0), (768, 8, 0.7)) if not quick else ((300, 6, 0.0),):
        X, y = rng.normal(size=(n, d)), rng.integers(0, 2, n)
        X[:, :3] += shift * y[:, None]
        yield f"two classes, {n} x {d}", X, y
    yield "alternating, 50 x 1", np.arange(50.0)[:, None], np.arange(50) % 2


def spent(X, y, method):
    """Seconds, and the number of layers or None."""
    start = time.perf_counter()
    try:
        layers = len(construct(X, y, method).network.weights)
    except ConstructionError:
        layers = None
    return time.perf_counter() - start, layers


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller problems")
    arguments = parser.parse_args()
    construct([[0.0], [1.0], [2.0]], [0, 1, 0], "universal")  # compile and import first
    methods = ("cone", "simplex", "universal", "auto")
    print(f"{'':24s}" + "".join(f"{m + ', s':>14s}" for m in methods) + "   layers   ratio")
    for name, X, y in problems(arguments.quick):
        times, layers = zip(*(spent(X, y, m) for m in methods), strict=True)
        ratio = (times[0] + times[1]) / times[2]
        print(
            f"{name:24s}" + "".join(f"{t:14.2f}" for t in times) + f"{layers[3]:9d} {ratio:7.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
