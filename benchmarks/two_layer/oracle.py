"""The search for the best neuron: processor time and cones against points and dimension.

python benchmarks/two_layer/oracle.py [most cones]

Multipliers are the residuals of a network after some rounds of `two_layer_bound`, where many
directions are nearly as good as the best: the hard case, and the one that matters. For d = 1 and 2
the cells are enumerated as well, in NumPy and floating point, with no proof.
"""

import sys
import time
from functools import partial
from itertools import combinations

import numpy as np
from sklearn.datasets import load_iris, make_moons

from constructions import best_neuron, two_layer_bound
from geomcore import ReLUNetwork

ROUNDS, WIDTH = 3, 40


def fitted_multipliers(X, Y, decay):
    """The multipliers of a network that has taken in the best neurons some times."""
    rng = np.random.default_rng(0)
    d, Q = X.shape[1], Y.shape[1]
    net = ReLUNetwork(
        [rng.normal(size=(WIDTH, d)), rng.normal(size=(Q, WIDTH))],
        [rng.normal(size=WIDTH), np.zeros(Q)],
    )
    for _ in range(ROUNDS):
        found = two_layer_bound(net, X, Y, weight_decay=decay, nodes=20_000)
        net = found.improved or net
    return two_layer_bound(net, X, Y, weight_decay=decay, nodes=1).multipliers


def by_arcs(rows, L):
    """The best value for D = 2: the sum at the middle of each arc, and at its ends."""
    turns = np.arctan2(-rows[:, 0], rows[:, 1])
    turns = np.sort(np.concatenate([turns, turns + np.pi]) % (2 * np.pi))
    middles = (turns + np.append(turns[1:], turns[0] + 2 * np.pi)) / 2
    return best_at(np.concatenate([turns, middles]), rows, L)


def best_at(turns, rows, L):
    """The largest value at these angles, and along the slopes of the cells there."""
    W = np.column_stack([np.cos(turns), np.sin(turns)])
    on = W @ rows.T > 0
    slopes = np.einsum("kn,nd,nq->kqd", on, rows, L, optimize=True)
    U = np.linalg.svd(slopes, full_matrices=False)[2][:, 0]
    W = np.concatenate([W, U, -U])
    return np.linalg.norm(np.maximum(W @ rows.T, 0) @ L, axis=1).max()


def by_cells(rows, L):
    """The best value for D = 3 by the four cells at each crossing of two planes, and the edges."""
    best = 0.0
    for row in rows:
        basis = np.linalg.svd(row[None])[2][1:]
        others = rows @ basis.T
        some = np.abs(others).max(axis=1) > 1e-12
        best = max(best, by_arcs(others[some], L[some]))
    for i, j in combinations(range(len(rows)), 2):
        on = np.tile(rows @ np.cross(rows[i], rows[j]) > 0, (8, 1))
        on[4:] = ~on[4:]
        on[:, i], on[:, j] = [0, 0, 1, 1] * 2, [0, 1, 0, 1] * 2
        slopes = np.einsum("kn,nd,nq->kqd", on, rows, L, optimize=True)
        U = np.linalg.svd(slopes, full_matrices=False)[2][:, 0]
        W = np.concatenate([U, -U])
        best = max(best, np.linalg.norm(np.maximum(W @ rows.T, 0) @ L, axis=1).max())
    return best


def problems():
    """Name, points and targets."""
    for n in (100, 1000):
        X, y = make_moons(n, noise=0.15, random_state=3)
        yield f"moons {n}", X, 2.0 * y[:, None] - 1
        yield f"moons {n}, Q = 2", X, np.eye(2)[y]
    rng = np.random.default_rng(0)
    for d in (1, 2, 3, 4, 5):
        for n in (50, 100, 200, 400):
            X = rng.normal(size=(n, d))
            yield f"normal {n}, d = {d}", X, np.sign(X[:, :1] * X[:, -1:] - 0.2)
    iris = load_iris()
    yield "iris, d = 4", iris.data, np.eye(3)[iris.target]


def seconds_of(function, repeats):
    """Least processor time of some calls, and what the last one returned."""
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        found = function()
        taken.append(time.process_time() - start)
    return min(taken), found


def main():
    most = int(float(sys.argv[1])) if len(sys.argv) > 1 else 500_000
    best_neuron([[0.0]], [[1.0]])
    print(f"{'':22} {'seconds':>8} {'cones':>10} {'us/cone':>8} {'excess':>8}  enumeration")
    for name, X, Y in problems():
        L = fitted_multipliers(X, Y, 1e-2)
        rows, repeats = np.column_stack([X, np.ones(len(X))]), 1 if X.shape[1] > 3 else 3
        taken, found = seconds_of(partial(best_neuron, X, L, nodes=most), repeats)
        each = taken / found.nodes * 1e6
        line = f"{name:22} {taken:8.4f} {found.nodes:10,} {each:8.1f} {found.excess:8.1e}"
        if X.shape[1] < 3 and len(X) ** X.shape[1] <= 10_000:
            way = by_arcs if X.shape[1] == 1 else by_cells
            other, value = seconds_of(partial(way, rows, L), 1)
            line += f"  {other:.4f} s, {value / found.bound:.6f} of the bound"
        print(line, flush=True)


if __name__ == "__main__":
    main()
