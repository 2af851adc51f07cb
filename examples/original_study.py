"""The original study: push constructed networks off their minimum and train them back.

    python examples/original_study.py                         500 trials per size, minutes
    python examples/original_study.py runs/try --trials 50 --steps 300

For the data of types (a) clusters, (b) sequential, (c) single cone and (d)
concentric, every tensor of the zero-loss network is moved by noise of norm
lambda, from 0.001 to 3, and the network is trained by gradient descent. For type
(a), whose Q = 3 classes lie in R^3, the same is done around all 2^3 states
(each class collapsed or left alone) and all merges of classes. Claim E4 of the
authors, "after a small perturbation SGD returns to zero loss, after a large one
it does not", is then decided by Wilson intervals. The claim is about where trials end, so a
trial that never left counts as one that is back, and is told beside; the tables and figures
speak of those that left.

Each study is a file in the folder and is resumed from there: stop the script
whenever you like and start it again.
"""

import argparse
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from constructions import construct
from geomcore import datasets
from geomcore.plot import class_style
from training import PerturbationStudy, wilson_interval
from training.output.screen import Pace
from training.study.basin import radius_in_words
from training.study.planning.references import judged, merges, states

TYPES = {"a": "clusters", "b": "sequential", "c": "single_cone", "d": "concentric"}
SCALES = [0.001, 0.003, 0.01, 0.03, 0.06, 0.1, 0.2, 0.3, 0.6, 1.0, 2.0, 3.0]


def references(letter, data):
    """The zero-loss network by name; for type (a) also the states and the merges."""
    found = [judged("zero loss", construct(data.X, data.y).network, data.X, data.y)]
    if letter == "a":
        # State 000, all classes collapsed, is a zero-loss network once more.
        found += states(data.X, data.y) + merges(data.X, data.y)
    return found


def run(path, data, candidates, arguments):
    """Run one study, or what is missing of it."""
    study = PerturbationStudy(
        path,
        {one.name: one.network for one in candidates},
        data.X,
        data.y,
        scales=SCALES,
        trials=arguments.trials,
        steps=arguments.steps,
        batch_size=arguments.batch_size,
        seed=arguments.seed,
        certified_radius={one.name: one.certified_radius for one in candidates},
    )
    pace, last = Pace(), [time.monotonic()]

    def progress(done, total):
        text = pace(done, total)
        if time.monotonic() > last[0] + 10:
            last[0] = time.monotonic()
            print("   ", text, flush=True)

    return study.run(jobs=arguments.jobs, progress=progress)


def at(summary, scale):
    return summary[summary["scale"] == scale].iloc[0]


def verdict(letter, result):
    """Claim E4 for one type of data, sentence by sentence, as (sentence, numbers, holds)."""
    part = result.of("zero loss")
    summary, columns = part.frame("scale"), part.columns
    small, large = at(summary, SCALES[0]), at(summary, SCALES[-1])
    low = wilson_interval(small.stayed + small.returned, small.trials)[0]
    claims = [
        (
            f"is back from lambda = {SCALES[0]:g}",
            f"{small.stayed + small.returned} of {small.trials} ({small.stayed} never left), "
            f"at least {low:.1%}",
            low > 0.5,
        ),
        (
            f"does not return from lambda = {SCALES[-1]:g}",
            f"{large.returned} of {large.left} that left, at most {large.high:.1%}",
            large.high < 0.5,
        ),
    ]
    if letter == "c":
        near = part.outcome[columns["scale"] <= 0.1]
        count, stayed = len(near), int((near == "stayed").sum())
        back = stayed + int((near == "returned").sum())
        one = columns["scale"] == 1.0
        final = columns["final_loss"][one]
        mean = final[np.isfinite(final)].mean()
        accuracy = columns["accuracy"][one].mean()
        claims += [
            (
                "all are back up to lambda = 0.1",
                f"{back} of {count} ({stayed} never left), "
                f"at least {wilson_interval(back, count)[0]:.2%}",
                back == count,
            ),
            ("mean final loss about 0.4 at lambda = 1", f"{mean:.3f}", 0.3 <= mean <= 0.5),
            (
                "accuracy about 85 % at lambda = 1",
                f"{accuracy:.1%}",
                0.8 <= accuracy <= 0.9,
            ),
        ]
    return claims


def tell(name, result, candidates):
    """Print what was found around each reference."""
    verdicts = {one.name: one.verdict for one in candidates}
    print(f"\n{name}")
    for row in result.basins().itertuples():
        loss = result.of(row.reference).reference.loss
        scales = [row.least, row.most]
        radius, low, high = (
            radius_in_words(end, scales) for end in (row.radius, row.low, row.high)
        )
        half = row.reason or f"half return at lambda {radius} ({low} to {high})"
        certified = "" if np.isnan(row.certified) else f"; certified norm {row.certified:.2g}"
        print(
            f"  {row.reference:14} {verdicts[row.reference]:14} loss {loss:8.2e}  {half}{certified}"
        )


def draw(results):
    """Return fraction and final loss of the four zero-loss networks over the total norm."""
    fig, axes = plt.subplots(2, 1, figsize=(6, 7.5), sharex=True, layout="constrained")
    for k, (letter, result) in enumerate(results.items()):
        part = result.of("zero loss")
        summary, (color, marker) = part.frame("scale"), class_style(k)
        label = f"({letter}) {TYPES[letter].replace('_', ' ')}"
        left = summary[summary["left"] > 0]
        bars = [left["fraction"] - left["low"], left["high"] - left["fraction"]]
        axes[0].errorbar(
            left["norm"], left["fraction"], np.maximum(bars, 0), fmt=f"{marker}-", ms=4,
            capsize=3, color=color, label=label,
        )  # fmt: skip
        limited = left[left["limited"]]
        axes[0].plot(
            limited["norm"], limited["fraction"], marker, ms=4, color=color, mfc="white", zorder=5
        )
        axes[0].plot(summary["norm"], summary["untrained"], ":", lw=1.2, color=color)
        axes[1].loglog(summary["norm"], summary["median"], f"{marker}-", ms=4, color=color)
        axes[1].fill_between(
            summary["norm"], summary["q25"], summary["q75"], color=color, alpha=0.15
        )
        radius = part.reference.certified_radius
        if radius:
            axes[0].axvline(radius, color=color, lw=1, ls="--")
    axes[0].axhline(0.5, color="0.7", lw=0.8)
    axes[0].set_ylabel("of the trials that left, fraction that returns")
    axes[0].set_title(
        "dotted: within the tolerance before training; dashed: certified;\n"
        "empty markers: steps or rate decide, not the landscape",
        fontsize=9,
    )
    axes[0].legend(loc="center left", framealpha=1, edgecolor="white", fontsize=9)
    axes[1].set_ylabel("final loss: median, quartiles")
    axes[1].set_xlabel("total norm of the perturbation")
    for ax in axes:
        ax.grid(alpha=0.25)
    return fig


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, nargs="?", default=Path("runs/original_study"))
    parser.add_argument("--trials", type=int, default=500, help="per network and lambda")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--batch-size", type=int, default=None, help="default: all points")
    parser.add_argument("--types", default="abcd")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    if not arguments.types or not set(arguments.types) <= set(TYPES):
        parser.error(f"--types must be some of {''.join(TYPES)}, got {arguments.types!r}")
    arguments.out.mkdir(parents=True, exist_ok=True)

    results = {}
    for letter in arguments.types:
        name = TYPES[letter]
        data = getattr(datasets, name)(rng=arguments.seed)
        candidates = references(letter, data)
        count = len(candidates) * len(SCALES) * arguments.trials
        print(f"({letter}) {name}: {len(candidates)} networks, {count:,} trials", flush=True)
        try:
            results[letter] = run(arguments.out / f"{name}.sqlite", data, candidates, arguments)
        except ValueError as error:
            # The folder holds a study with other settings.
            parser.error(str(error))
        results[letter].frame("scale").to_csv(arguments.out / f"{name}.csv", index=False)
        tell(f"({letter}) {name}, {len(data.X)} points", results[letter], candidates)
        fig = results[letter].plot()
        fig.savefig(arguments.out / f"{name}.png", dpi=110)
        plt.close(fig)
    draw(results).savefig(arguments.out / "original_study.png", dpi=110)

    print("\nClaim E4:")
    for letter, result in results.items():
        for sentence, numbers, holds in verdict(letter, result):
            print(f"  ({letter}) {sentence}: {numbers}: {'holds' if holds else 'does not hold'}")
    print(f"figures and tables: {arguments.out}")


if __name__ == "__main__":
    main()
