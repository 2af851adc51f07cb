"""Train a small network, ask `verify` what is true about it, and compare a constructed one.

    python examples/verify_your_network.py
    python examples/verify_your_network.py runs/mine --steps 20000

Training ends with a small loss and the right class for nearly every point.
Is that a minimum? A small loss or gradient is no proof, and `verify` does not
pretend: it proves what it can, refutes what is false, and calls the rest
undetermined. The network
that `construct` builds for the same data is a proved global minimum. Put your
own network in the place of the trained one: `geomcore.load` reads npz files,
and `ReLUNetwork(weights, biases)` takes arrays.
"""

import argparse
from itertools import pairwise
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap

from constructions import construct, verify
from geomcore import ReLUNetwork, datasets
from geomcore.plot import class_style, plot_data
from training import SGD, train


def random_network(widths, rng):
    """He's initialisation, zero biases."""
    pairs = list(pairwise(widths))
    weights = [rng.standard_normal((m, n)) * np.sqrt(2 / n) for n, m in pairs]
    return ReLUNetwork(weights, [np.zeros(m) for _, m in pairs])


def draw_answers(net, data, certificate, name, ax):
    """The class that the network answers everywhere in the plane, and the data."""
    low, high = data.X.min(axis=0) - 0.2, data.X.max(axis=0) + 0.2
    x, y = np.meshgrid(*(np.linspace(a, b, 300) for a, b in zip(low, high, strict=True)))
    answers = net(np.column_stack([x.ravel(), y.ravel()])).argmax(axis=1).reshape(x.shape)
    classes = len(np.unique(data.y))
    colors = ListedColormap([class_style(j)[0] for j in range(classes)])
    ax.pcolormesh(x, y, answers, cmap=colors, vmin=0, vmax=classes - 1, alpha=0.25, rasterized=True)
    plot_data(data.X, data.y, ax=ax, legend=False)
    proved = "proved" if certificate.proved else "nothing proved"
    ax.set_title(
        f"{name}: loss {certificate.loss:.1e}\n{certificate.verdict} ({proved})", fontsize=10
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, nargs="?", default=Path("runs/verify_your_network"))
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--points", type=int, default=60, help="points per class")
    arguments = parser.parse_args()

    data = datasets.sequential(arguments.points, d=2, rng=3)
    start = random_network((2, 8, 8, 3), np.random.default_rng(0))
    trained = train(start, data.X, data.y, optimizer=SGD(0.1), steps=arguments.steps)
    print("TRAINED:", trained.summary())
    honest = verify(trained.network, data.X, data.y)
    print(honest.summary())

    found = construct(data.X, data.y)
    print(f"\nCONSTRUCTED, method {found.method}:")
    proved = verify(found.network, data.X, data.y)
    print(proved.summary())

    places = [["trained", "constructed"], ["loss", "loss"]]
    fig, axes = plt.subplot_mosaic(
        places, figsize=(7, 6), height_ratios=[3, 2], layout="constrained"
    )
    draw_answers(trained.network, data, honest, "trained", axes["trained"])
    draw_answers(found.network, data, proved, "constructed", axes["constructed"])
    loss = axes["loss"]
    loss.loglog(trained.recorded + 1, trained.losses, label="trained")
    loss.axhline(max(proved.loss, 1e-33), color="black", ls="--", label="constructed")
    loss.set(
        xlabel="gradient steps",
        ylabel="mean squared loss",
        title="loss: trained, and without a step",
    )
    loss.title.set_fontsize(10)
    loss.legend(frameon=False)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for ending in ("png", "svg"):
        fig.savefig(arguments.out / f"verify_your_network.{ending}", dpi=110)
    print(f"\npicture: {arguments.out / 'verify_your_network.png'}")


if __name__ == "__main__":
    main()
