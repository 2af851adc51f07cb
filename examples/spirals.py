"""Interleaved spirals, untangled layer by layer, without training.

    python examples/spirals.py                    three arms, ten layers
    python examples/spirals.py runs/spirals --arms 2

The universal construction gives the plane one more dimension per class. Each
hidden layer cuts a piece of one arm off with a hyperplane and sends it, with
all that was cut off this arm before, to one point: the pile of the class. In
the end there are only piles, and the last layer reads the labels off them.
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from constructions import construct, verify
from geomcore import datasets
from geomcore.plot import plot_piles


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, nargs="?", default=Path("runs/spirals"))
    parser.add_argument("--arms", type=int, default=3)
    parser.add_argument("--points", type=int, default=100, help="points per arm")
    parser.add_argument("--turns", type=float, default=0.8, help="how often an arm winds around")
    arguments = parser.parse_args()

    data = datasets.spirals(arguments.points, arms=arguments.arms, turns=arguments.turns, rng=0)
    found = construct(data.X, data.y, "universal")
    print(found.summary())
    print(verify(found.network, data.X, data.y).summary())

    arguments.out.mkdir(parents=True, exist_ok=True)
    fig = plot_piles(found.network, data.X, data.y)
    for ending in ("png", "svg"):
        fig.savefig(arguments.out / f"spirals.{ending}", dpi=110)
    print(f"picture: {arguments.out / 'spirals.png'}")


if __name__ == "__main__":
    main()
