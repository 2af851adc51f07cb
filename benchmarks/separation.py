"""Time `separate` against one quadratic program with all constraints (cvxpy, CLARABEL).

    python benchmarks/separation.py            the sizes that RESULTS.md quotes
    python benchmarks/separation.py --quick    a minute less

Times are the shortest of ``--repeats``, taken in turns. The last columns
compare the answers: how far our margin is from the other one, and how much of
the data the answer rests on. Where the classes overlap, `separate` also
proves in rational arithmetic that no hyperplane separates them; the plain
program only says "infeasible".
"""

import argparse

import numpy as np
import plain
from timing import best_of

from constructions import separate
from geomcore import datasets


def gaussians(n, d, distance, rng):
    """Two Gaussian classes of n/2 points each with unit noise, their means `distance` apart."""
    A, B = rng.standard_normal((2, n // 2, d))
    A[:, 0] += distance
    return [(A, B)]


def one_against_rest(data):
    return [(data.X[data.y == q], data.X[data.y != q]) for q in np.unique(data.y)]


def problems(quick):
    """Name and list of pairs (A, B) for each row of the table."""
    rng = np.random.default_rng(0)
    yield "breast_cancer", one_against_rest(datasets.breast_cancer())[:1]
    digits = one_against_rest(datasets.digits())
    yield ("digits, one against the rest", digits[:2] if quick else digits)
    sizes = [(2000, 20), (2000, 100)]
    if not quick:
        sizes += [(5000, 50), (10_000, 100), (20_000, 20), (20_000, 100)]
    for n, d in sizes:
        yield f"Gaussians, N = {n:,}, d = {d}", gaussians(n, d, 9, rng)
    for n, d in sizes[:2] if quick else sizes[:4]:
        yield f"the same overlapping, N = {n:,}, d = {d}", gaussians(n, d, 1, rng)
    for mixtures in (0, 6):
        X, y = rng.standard_normal((2000, 36)), rng.integers(0, 2, 2000)
        X[:, 36 - mixtures :] = X[:, : 36 - mixtures] @ rng.standard_normal(
            (36 - mixtures, mixtures)
        )
        yield f"overlapping, 2,000 x 36, {mixtures} of them mixtures", [(X[y == 0], X[y == 1])]


def row(name, pairs, repeats):
    (ours, theirs), (found, margins) = best_of(
        [
            lambda: [separate(A, B) for A, B in pairs],
            lambda: [plain.margin(A, B) for A, B in pairs],
        ],
        repeats,
    )
    differences = [
        abs(s.margin - m) / m if m > 0 else abs(s.margin)
        for s, m in zip(found, margins, strict=True)
    ]
    answers = {True: "separable", False: "proved not", None: "undecided"}
    answer = ", ".join(sorted({answers[s.separable] for s in found}))
    support = np.mean([sum(map(len, s.support)) for s in found])
    print(
        f"{name:44s} {len(pairs):4d} {ours:9.3f} {theirs:9.3f} {theirs / ours:8.1f}   "
        f"{answer:12s} {max(differences):9.1e} {support:8.0f}",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer and smaller problems")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    print(
        f"{'':44s} {'sets':>4s} {'separate':>9s} {'plain':>9s} {'ratio':>8s}   {'answer':12s} "
        f"{'margin':>9s} {'support':>8s}   (s, best of {arguments.repeats}; margin: relative "
        "difference)"
    )
    for name, pairs in problems(arguments.quick):
        row(name, pairs, arguments.repeats)


if __name__ == "__main__":
    main()
