"""Margins and condition numbers of our collapse layers, against the plain circular cone.

    python benchmarks/conditioning.py            the table that RESULTS.md quotes
    python benchmarks/conditioning.py --quick    without digits

"Circular" is the same construction with every collapse layer replaced by the
circular cone of CE24 Lemma 3.4 around the same hyperplane and base point, with
the smallest aperture that holds the data: its condition number is
tan(theta/2) sqrt(n - 1). "Plain" has circular cones and in addition nothing
optimised about the base points (``robust=False``). Margin: the smallest
|pre-activation| over data and hidden layers, relative to the Frobenius norm of
(W_l, b_l), so how far parameters may move before an activation flips.
Condition: the largest of the cumulative weights.
"""

import argparse
from contextlib import contextmanager

import numpy as np
import plain

from constructions import ConstructionError, construct, verify
from constructions.theorems import polyhedral, sequential, universal
from geomcore import datasets


@contextmanager
def circular_cones():
    """Inside the block, constructions collapse by plain circular cones."""

    def layer(G, F, normal, base, rng, **options):
        return plain.circular_layer(G, F, normal, base, rng)

    modules = (sequential, polyhedral, universal)
    kept = [module.collapse_layer for module in modules]
    for module in modules:
        module.collapse_layer = layer
    try:
        yield
    finally:
        for module, function in zip(modules, kept, strict=True):
            module.collapse_layer = function


def cases(quick):
    """Name, points, labels, method."""
    yield "clusters (a), by Prop. 4.1", *datasets.clusters(rng=0)[:2], "clustered"
    yield "clusters (a)", *datasets.clusters(rng=0)[:2], "sequential"
    yield "sequential (b)", *datasets.sequential(rng=0)[:2], "sequential"
    yield "single_cone (c)", *datasets.single_cone(rng=0)[:2], "auto"
    yield "concentric (d)", *datasets.concentric(rng=0)[:2], "auto"
    yield "iris", *datasets.iris()[:2], "universal"
    yield "spirals", *datasets.spirals(rng=0)[:2], "universal"
    yield "wine", *datasets.wine()[:2], "sequential"
    yield "breast_cancer", *datasets.breast_cancer()[:2], "sequential"
    if not quick:
        yield "digits", *datasets.digits()[:2], "sequential"


def measure(X, y, method, robust=None):
    """(margin, condition, verdict) of one construction, or of its failure."""
    try:
        found = construct(X, y, method, robust=robust)
    except ConstructionError:
        return np.nan, np.nan, "refused"
    certificate = verify(found.network, X, y)
    return (
        min(record.margin for record in found.layers),
        max(record.condition for record in found.layers),
        certificate.verdict if certificate.proved else f"{certificate.verdict}, not proved",
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small data only")
    arguments = parser.parse_args()
    columns = ("ours", "circular", "plain")
    print(f"{'':39s} {'margin':>29s} {'condition':>29s}")
    print(f"{'':28s} {'method':10s}", *(f"{c:>9s}" for c in columns + columns))
    for name, X, y, method in cases(arguments.quick):
        found = [measure(X, y, method)]
        with circular_cones():
            found += [measure(X, y, method), measure(X, y, method, robust=False)]
        margins, conditions, verdicts = zip(*found, strict=True)
        numbers = " ".join(f"{number:9.1e}" for number in (*margins, *conditions))
        verdict = "all proved" if set(verdicts) == {"global minimum"} else "; ".join(verdicts)
        print(f"{name:28s} {method:10s} {numbers}   {verdict}", flush=True)


if __name__ == "__main__":
    main()
