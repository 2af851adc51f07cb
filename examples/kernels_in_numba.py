"""Call the compiled kernels from your own compiled code: walk points to the decision boundary.

    python examples/kernels_in_numba.py
    python examples/kernels_in_numba.py runs/mine --points 100000

Between two classes a network decides by the sign of f = output 0 - output 1.
Newton's method x <- x - f(x) g / |g|^2, with g the gradient of f, walks to the
boundary f = 0: f is linear in each region of the network, so once a step stays
in a region it lands on the boundary. Steps are cut at a tenth, so that no point
jumps over a boundary near by. The loop is compiled, and so are the forward pass
and the gradients that it calls, with no Python in between.
"""

import argparse
import time
from itertools import pairwise
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import LineCollection
from numba import njit

from geomcore import ReLUNetwork, datasets, kernels
from geomcore.plot import plot_data
from training import SGD, train

STEPS = 40


@njit
def walk(parameters, widths, X, steps):
    """Move the rows of X to the zero set of output 0; False for those that do not arrive."""
    N, d = X.shape
    f, g = np.empty((N, 1)), np.empty((N, d))
    for _ in range(steps):
        kernels.forward(parameters, widths, X, f)
        kernels.input_gradients(parameters, widths, X, 0, g)
        for i in range(N):
            norm = 0.0
            for k in range(d):
                norm += g[i, k] ** 2
            norm = np.sqrt(norm)
            if norm > 1e-6:
                length = min(max(f[i, 0] / norm, -0.1), 0.1)
                for k in range(d):
                    X[i, k] -= length * g[i, k] / norm
    kernels.forward(parameters, widths, X, f)
    return np.abs(f[:, 0]) < 1e-9


def trained_difference(data):
    """A network with one output, the difference of the two of a trained classifier."""
    rng = np.random.default_rng(0)
    widths = (2, 16, 16, 2)
    pairs = list(pairwise(widths))
    weights = [rng.standard_normal((m, n)) * np.sqrt(2 / n) for n, m in pairs]
    start = ReLUNetwork(weights, [np.zeros(m) for _, m in pairs])
    net = train(start, data.X, data.y, optimizer=SGD(0.1), steps=3000).network
    last, bias = net.weights[-1], net.biases[-1]
    return ReLUNetwork(
        [*net.weights[:-1], last[:1] - last[1:]], [*net.biases[:-1], bias[:1] - bias[1:]]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, nargs="?", default=Path("runs/kernels_in_numba"))
    parser.add_argument("--points", type=int, default=100_000, help="points that are timed")
    arguments = parser.parse_args()

    data = datasets.concentric(150, d=2, rng=0)
    net = trained_difference(data)
    parameters, widths = net.packed()

    ends = data.X.copy()
    arrived = walk(parameters, widths, ends, STEPS)  # compiles
    many = np.random.default_rng(1).uniform(-1.5, 1.5, (arguments.points, 2))
    start = time.perf_counter()
    walk(parameters, widths, many, STEPS)
    seconds = time.perf_counter() - start
    distance = np.linalg.norm(ends - data.X, axis=1)[arrived]
    print(f"{arrived.sum()} of {len(data.X)} points arrive at the boundary")
    print(f"their distance to where they arrive: median {np.median(distance):.3f}")
    print(f"{STEPS} steps of {arguments.points:,} points: {seconds:.2f} s on one core")

    fig, ax = plt.subplots(figsize=(6.2, 5), layout="constrained")
    side = np.linspace(-2, 2, 300)
    x, y = np.meshgrid(side, side)
    f = net(np.column_stack([x.ravel(), y.ravel()])).reshape(x.shape)
    ax.contour(x, y, f, [0], colors="black", linewidths=1.5)
    near = arrived & (np.abs(ends).max(axis=1) < 2)
    paths = np.stack([data.X[near], ends[near]], axis=1)
    ax.add_collection(LineCollection(paths, colors="0.6", linewidths=0.7, zorder=1))
    plot_data(data.X, data.y, ax=ax)
    ax.set_title("points, and where they meet the decision boundary (black)", fontsize=10)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for ending in ("png", "svg"):
        fig.savefig(arguments.out / f"kernels_in_numba.{ending}", dpi=110)
    print(f"picture: {arguments.out / 'kernels_in_numba.png'}")


if __name__ == "__main__":
    main()
