"""Layers and seconds of the universal construction, against the bound by its peels.

    python benchmarks/universal.py            the table that RESULTS.md quotes
    python benchmarks/universal.py --quick    without digits with random labels

The peel bound is one layer per peel and one more; faces at the end may save
layers. The second table compares the first peel that the heuristic finds with
the largest one there is, by the exact mixed-integer program, on small data.
"""

import argparse

import numpy as np
import problems
from largest_peel import largest_peel
from timing import best_of

from constructions import ConstructionError, construct, verify
from constructions.theorems.peels import peel_sequence

HEAD = ("N", "d", "Q", "layers", "bound", "width", "build s", "verify s", "loss", "margin")


def row(name, X, y, repeats):
    (seconds,), (found,) = best_of([lambda: attempt(X, y)], repeats)
    N, d = np.shape(X)
    size = f"{name:34s} {N:6d} {d:4d} {len(np.unique(y)):4d}"
    if isinstance(found, ConstructionError):
        print(f"{size}   refused after {seconds:.2f} s: {found}", flush=True)
        return
    (checking,), (certificate,) = best_of([lambda: verify(found.network, X, y)], repeats)
    verdict = certificate.verdict if certificate.proved else f"{certificate.verdict}, not proved"
    print(
        f"{size} {len(found.network.weights):8d} {found.report['peels'] + 1:8d} "
        f"{max(found.network.widths[1:]):8d} {seconds:8.2f} {checking:8.2f} "
        f"{certificate.loss:8.0e} {certificate.activation_margin:8.0e}   {verdict}",
        flush=True,
    )


def attempt(X, y):
    """The construction, or its refusal."""
    try:
        return construct(X, y, "universal")
    except ConstructionError as refusal:
        return refusal


def yardstick(trials, seconds):
    """Compare first peels with the largest ones on random labels in small dimensions."""
    print(f"\n{'first peel / largest peel':34s} {'mean':>8s} {'worst':>8s} {'equal':>8s}")
    for n, d, classes in ((20, 2, 2), (40, 2, 2), (40, 2, 4), (30, 3, 2), (30, 5, 3)):
        rng = np.random.default_rng(0)
        ratios = []
        for _ in range(trials):
            X, y = problems.random_labels(rng, n, d, classes)
            ours = len(peel_sequence(X, y, rng, beam=1)[0].rows)
            # a gap well above the solver's feasibility tolerance, below the spacing of the points
            exact = [
                largest_peel(X[y == q], X[y != q], gap=1e-4, seconds=seconds)
                for q in range(classes)
            ]
            if any(inside is None for inside in exact):
                continue
            ratios.append(ours / max(int(inside.sum()) for inside in exact))
        name = f"{n} points, d = {d}, {classes} classes"
        if not ratios:
            print(f"{name:34s} the exact program ran out of time in all {trials} trials")
            continue
        equal = f"{sum(r >= 1 for r in ratios)}/{len(ratios)}"
        print(f"{name:34s} {np.mean(ratios):8.3f} {min(ratios):8.3f} {equal:>8s}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small data only, fewer trials")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--trials", type=int, default=20, help="random data sets per MILP row")
    arguments = parser.parse_args()
    print(f"{'':34s} {HEAD[0]:>6s} {HEAD[1]:>4s} {HEAD[2]:>4s}", *(f"{h:>8s}" for h in HEAD[3:]))
    for name, X, y in problems.small():
        row(name, X, y, 1 if arguments.quick else arguments.repeats)
    if not arguments.quick:
        rng = np.random.default_rng(0)
        row("digits, random labels", *problems.digits_random_labels(rng), repeats=1)
    yardstick(4 if arguments.quick else arguments.trials, seconds=60)


if __name__ == "__main__":
    main()
