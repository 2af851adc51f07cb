"""Construct a network, fine-tune it in PyTorch on new data, and ask what kind of point it became.

    python examples/fine_tune.py
    python examples/fine_tune.py runs/mine --steps 10000

The constructed network is a proved global minimum for its data. On data with noise it is none, and
Adam moves it. Where Adam stops the gradient is small, which proves nothing: `verify` finds a step
that lowers the loss. `settle` goes on to the critical point near by, and there `verify` proves what
kind of point it is. Needs PyTorch.
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.colors import ListedColormap

from constructions import construct, verify
from geomcore import datasets, from_torch, to_torch
from geomcore.plot import class_style, plot_data
from training import settle


def fine_tuned(model, X, y, steps):
    """Adam on the mean squared error; the loss before every step."""
    X, Y = torch.tensor(X), torch.nn.functional.one_hot(torch.tensor(y)).double()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = ((model(X) - Y) ** 2).sum(dim=1).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def told(certificate):
    """The verdict, and whether it is proved."""
    return f"{certificate.verdict} ({'proved' if certificate.proved else 'not proved'})"


def draw(net, X, y, title, ax):
    """The class that the network answers everywhere in the plane, and the points."""
    low, high = X.min(axis=0) - 0.2, X.max(axis=0) + 0.2
    a, b = np.meshgrid(*(np.linspace(s, t, 300) for s, t in zip(low, high, strict=True)))
    answers = net(np.column_stack([a.ravel(), b.ravel()])).argmax(axis=1).reshape(a.shape)
    Q = y.max() + 1
    colors = ListedColormap([class_style(j)[0] for j in range(Q)])
    ax.pcolormesh(a, b, answers, cmap=colors, vmin=0, vmax=Q - 1, alpha=0.25, rasterized=True)
    plot_data(X, y, ax=ax, legend=False)
    ax.set_title(title, fontsize=10)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, nargs="?", default=Path("runs/fine_tune"))
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--points", type=int, default=90)
    arguments = parser.parse_args()

    data = datasets.sequential(arguments.points, d=2, rng=2)
    found = construct(data.X, data.y)
    print("CONSTRUCTED:", told(verify(found.network, data.X, data.y)))

    X = data.X + 0.15 * np.random.default_rng(0).standard_normal(data.X.shape)
    model = to_torch(found.network)
    losses = fine_tuned(model, X, data.y, arguments.steps)
    tuned = from_torch(model)
    before = verify(tuned, X, data.y)
    print(f"\nFINE-TUNED on data with noise, loss {losses[0]:.4g} -> {before.loss:.4g}:")
    print(told(before))

    settled = settle(tuned, X, data.y)
    after = verify(settled.network, X, data.y)
    print(f"\nSETTLED:\n{settled.summary()}")
    print(after.summary())

    fig, axes = plt.subplot_mosaic(
        [["constructed", "settled"], ["loss", "loss"]],
        figsize=(7, 6),
        height_ratios=[3, 2],
        layout="constrained",
    )
    draw(
        found.network,
        X,
        data.y,
        f"constructed, on data with noise\nloss {losses[0]:.3g}",
        axes["constructed"],
    )
    title = f"fine-tuned and settled: loss {after.loss:.3g}\n{told(after)}"
    draw(settled.network, X, data.y, title, axes["settled"])
    axes["loss"].plot(losses, label="Adam")
    axes["loss"].axhline(after.loss, color="black", ls="--", label="after settling")
    axes["loss"].set(xlabel="steps", ylabel="mean squared loss", title="loss on noisy data")
    axes["loss"].title.set_fontsize(10)
    axes["loss"].legend(frameon=False)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for ending in ("png", "svg"):
        fig.savefig(arguments.out / f"fine_tune.{ending}", dpi=110)
    print(f"\npicture: {arguments.out / 'fine_tune.png'}")


if __name__ == "__main__":
    main()
