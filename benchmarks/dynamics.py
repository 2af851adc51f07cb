"""Truncation of recorded networks, all at once against one after the other.

python benchmarks/dynamics.py [--repeats 5]
"""

import argparse
from itertools import pairwise

import numpy as np
from timing import best_of

from geomcore import ReLUNetwork, truncation_degree
from geomcore.stack import stack
from geomcore.truncation import step_defect, truncation_steps
from training.dynamics.chains import truncations

SHAPES = (((4, 4, 4, 3), 150, 200), ((3, 3, 3, 3, 3), 150, 1000), ((61, 61, 61, 10), 500, 50))


def network(widths, rng):
    """A network with normal weights."""
    weights = [rng.normal(size=(m, n)) / np.sqrt(n) for n, m in pairwise(widths)]
    return ReLUNetwork(weights, [rng.normal(size=m) for m in widths[1:]])


def one_by_one(networks, X, index):
    """Degrees, spreads and defects of one network after the other, with public functions."""
    found = []
    for net in networks:
        points = X
        for step in truncation_steps(net, X):
            if step.layer == len(net.weights):
                break
            degree = truncation_degree(step.W, step.b, points, index)
            points = step.truncated
            spread = [points[index == q].var(axis=0).sum() for q in range(3)]
            found.append((degree, spread, step_defect(step)))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    print(f"{'widths':<20} {'points':>6} {'records':>7} {'at once, s':>11} {'each, s':>8}  ratio")
    for widths, n, records in SHAPES:
        rng = np.random.default_rng(0)
        networks = [network(widths, rng) for _ in range(records)]
        X, index = rng.normal(size=(n, widths[0])), np.arange(n) % 3
        _, params = stack(networks)
        (fast, slow), _ = best_of(
            [
                lambda p=params, X=X, i=index: truncations(p, X, i, 3),
                lambda nets=networks, X=X, i=index: one_by_one(nets, X, i),
            ],
            repeats,
        )
        print(f"{widths!s:<20} {n:>6} {records:>7} {fast:>11.3f} {slow:>8.3f} {slow / fast:>6.1f}")


if __name__ == "__main__":
    main()
