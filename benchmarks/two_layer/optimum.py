"""The best two-layer network: time, neurons and proved gap on small data, and beside a peer.

python benchmarks/two_layer/optimum.py [peer]

With "peer" the package pyscnn (PyPI; not a dependency) is run on the same problem: points with a
column of ones in place of a bias, no output bias, a group penalty of weight_decay / (2 Q) on its
loss |F - Y|^2 / (2 N Q), single precision, sampled gates as it comes, and its gates sampled
together with the neurons of the optimum.
"""

import sys
import time

import numpy as np
from sklearn.datasets import load_iris, make_moons

from constructions import best_two_layer, regularisation_path

GATES = 30


def standardized(X):
    """Columns of mean 0 and standard deviation 1."""
    return (X - X.mean(axis=0)) / X.std(axis=0)


def cases():
    """Name, points, targets, weight decay, gap asked for, and seconds."""
    X, y = make_moons(100, noise=0.15, random_state=3)
    signs, onehot = 2.0 * y[:, None] - 1, np.eye(2)[y]
    for decay, gap in ((1e-2, 1e-4), (1e-3, 1e-3), (1e-3, 1e-5)):
        yield "moons, 100 points, Q = 1", X, signs, decay, gap, 60
        yield "moons, 100 points, Q = 2", X, onehot, decay, gap, 60
    rng = np.random.default_rng(0)
    x = np.sort(rng.normal(size=100))[:, None]
    yield "sine on a line, 100 points", x, np.sin(3 * x), 1e-3, 1e-6, 60
    P = rng.normal(size=(100, 3))
    octants = np.eye(2)[(P.prod(axis=1) > 0).astype(int)]
    yield "octants in space, 100 points", P, octants, 1e-2, 1e-2, 60
    yield "octants in space, 100 points", P, octants, 1e-2, 1e-4, 120
    iris = load_iris()
    Z, Y = standardized(iris.data), np.eye(3)[iris.target]
    U, S, _ = np.linalg.svd(Z, full_matrices=False)
    for decay in (1e-2, 1e-3):
        yield "iris, first two components", U[:, :2] * S[:2], Y, decay, 1e-4, 120
    yield "iris, all four features", Z, Y, 1e-2, 1e-3, 120
    yield "iris, all four features", Z, Y, 1e-3, 1e-3, 120
    X, y = make_moons(1000, noise=0.15, random_state=3)
    yield "moons, 1000 points, Q = 2", X, np.eye(2)[y], 1e-2, 1e-4, 300
    yield "moons, 1000 points, Q = 2", X, np.eye(2)[y], 1e-3, 1e-3, 300


def table():
    """One row per case."""
    print("| data | decay | gap asked | gap proved | loss | neurons | rounds | seconds | end |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, X, Y, decay, gap, seconds in cases():
        best = best_two_layer(X, Y, weight_decay=decay, gap=gap, seconds=seconds)
        print(
            f"| {name} | {decay:g} | {gap:.0e} | {best.gap:.1e} | {best.loss:.6f} | "
            f"{best.neurons} | {best.rounds} | {best.seconds:.1f} | {best.reason} |",
            flush=True,
        )


def path():
    """A path with warm starts against the same optima one by one."""
    X, y = make_moons(100, noise=0.15, random_state=3)
    decays = np.geomspace(0.3, 1e-3, 12)
    start = time.perf_counter()
    found = regularisation_path(X, y, decays, gap=1e-3)
    middle = time.perf_counter()
    for decay in decays:
        best_two_layer(X, y, weight_decay=decay, gap=1e-3)
    cold = time.perf_counter() - middle
    worst = max(best.gap for best in found.optima)
    print(
        f"\n12 weight decays, moons, gap 1e-3: {middle - start:.1f} s as a path, {cold:.1f} s one "
        f"by one; largest gap {worst:.1e}"
    )


def by_peer(Xt, Y, decay, gates):
    """Loss, neurons and seconds of pyscnn."""
    from scnn.metrics import Metrics
    from scnn.models import ConvexReLU
    from scnn.optimize import optimize_model
    from scnn.regularizers import NeuronGL1
    from scnn.solvers import AL

    Q, start = Y.shape[1], time.perf_counter()
    model = ConvexReLU(gates, c=Q, bias=False)
    found, _ = optimize_model(
        model,
        AL(model),
        Metrics(),
        Xt.astype(np.float32),
        Y.astype(np.float32),
        regularizer=NeuronGL1(decay / (2 * Q)),
        unitize_data=False,
    )
    seconds = time.perf_counter() - start
    W, V = (np.asarray(part, dtype=float) for part in found.parameters[:2])
    F = np.maximum(Xt @ W.T, 0) @ V.T
    lengths = np.linalg.norm(W, axis=1) * np.linalg.norm(V, axis=0)
    return ((F - Y) ** 2).sum() / len(Y) + decay * lengths.sum(), len(W), seconds


def peer():
    """pyscnn side by side, with sampled gates and with those of the optimum among them."""
    from scnn.activations import sample_gate_vectors

    X, y = make_moons(100, noise=0.15, random_state=3)
    Xt, Y = np.column_stack([X, np.ones(100)]), 2.0 * y[:, None] - 1
    decay = 1e-2
    best = best_two_layer(X, Y, weight_decay=decay, output_bias="none")
    print(
        f"\nno output bias: at least {best.lower_bound:.6f}, at most {best.loss:.6f} (proved), "
        f"{best.neurons} neurons, {best.seconds:.1f} s",
        flush=True,
    )
    own = np.column_stack([best.network.weights[0], best.network.biases[0]]).T
    sampled = sample_gate_vectors(0, 3, GATES)
    for name, gates in (("sampled", sampled), ("with those", np.hstack([own, sampled]))):
        loss, neurons, seconds = by_peer(Xt, Y, decay, gates)
        print(
            f"pyscnn, {gates.shape[1]} gates, {name}: {loss:.6f}, {neurons} neurons, "
            f"{seconds:.1f} s",
            flush=True,
        )


if __name__ == "__main__":
    best_two_layer([[0.0], [1.0]], [[0.0], [1.0]], weight_decay=0.1)  # compiles
    if sys.argv[1:] == ["peer"]:
        peer()
    else:
        table()
        path()
