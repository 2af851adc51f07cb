"""Time `elimination_order` against solving every program with all constraints.

    python benchmarks/order.py            the sizes that RESULTS.md quotes
    python benchmarks/order.py --quick    a minute less

The plain version solves Q (Q + 1) / 2 - 1 quadratic programs with all points
(cvxpy, CLARABEL). Times are the shortest of ``--repeats``, taken in turns.
"""

import argparse

import numpy as np
import plain
from timing import best_of

from constructions import elimination_order
from geomcore import datasets


def gaussian_classes(n, d, classes, rng):
    """Gaussian classes around centres of norm 1, noise 0.1 per coordinate."""
    centres = rng.standard_normal((classes, d))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    y = np.arange(n) % classes
    return centres[y] + 0.1 * rng.standard_normal((n, d)), y


def problems(quick):
    """Name, points and labels for each row of the table."""
    rng = np.random.default_rng(0)
    yield "sequential (b)", *datasets.sequential(rng=0)[:2]
    yield "wine", *datasets.wine()[:2]
    yield "iris (no order exists)", *datasets.iris()[:2]
    sizes = [(1000, 50)]
    if not quick:
        yield "digits", *datasets.digits()[:2]
        sizes += [(5000, 50), (5000, 100)]
    for n, d in sizes:
        yield f"ten Gaussian classes, N = {n:,}, d = {d}", *gaussian_classes(n, d, 10, rng)


def row(name, X, y, repeats):
    (ours, theirs), (found, other) = best_of(
        [lambda: elimination_order(X, y), lambda: plain.order(X, y)], repeats
    )
    Q = len(np.unique(y))
    if found.complete:
        worst = max(abs(m - o) / o for m, o in zip(found.margins[:-1], other.margins, strict=True))
        answer = "same order" if found.order == other.order else "another order"
        answer += f", margins within {worst:.0e}"
    else:
        proved = sum(c is not None for c in found.stuck.values())
        answer = f"{len(found.stuck)} classes stuck, {proved} of them with a certificate"
    print(
        f"{name:44s} {Q:3d} {other.programs:9d} {ours:9.3f} {theirs:9.3f} {theirs / ours:8.1f}   "
        f"{answer}",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer and smaller problems")
    parser.add_argument("--repeats", type=int, default=2)
    arguments = parser.parse_args()
    print(
        f"{'':44s} {'Q':>3s} {'programs':>9s} {'ours':>9s} {'plain':>9s} {'ratio':>8s}   "
        f"(s, best of {arguments.repeats})"
    )
    for name, X, y in problems(arguments.quick):
        row(name, X, y, arguments.repeats)


if __name__ == "__main__":
    main()
