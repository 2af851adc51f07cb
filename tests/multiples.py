"""Units that are multiples of each other, on their kink at three points of a line."""

import numpy as np

from constructions.critical.balls import Balls

# where units that copy x >= 0 put out h with h_1 + h_2 = 1
ON_A_LINE = np.array([[1.0, -1.0], [-1.0, 1.0], [0.5, 0.5]])


def in_balls(cell):
    return cell._replace(X=Balls(cell.X), Y=Balls(cell.Y))


def on_line(seed, factors, N):
    """Parameters (2-2-k-1), points, kinks and the factors of what goes together at the first."""
    rng, c = np.random.default_rng(seed), np.array(factors)
    X = rng.integers(-12, 13, (N, 2)) / 8 + [1 / 16, 1 / 32]  # no other point is on the line
    X[:3] = ON_A_LINE
    last = np.where(c > 0, c, rng.standard_normal(len(c)))  # those that are on together are one
    parts = np.eye(2), np.zeros(2), np.outer(c, [-1.0, -1.0]), c, last, rng.standard_normal(1)
    kinks = [(1, i, u) for u in range(len(c)) for i in range(3)]
    first = [v * (i == 0) for v in factors for i in range(3)]
    return (2, 2, len(c), 1), np.concatenate([p.ravel() for p in parts]), X, kinks, first
