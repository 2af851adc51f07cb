"""Time the same work in this checkout and in another one, in turns: ratios after a change.

    git worktree add ../before HEAD~5
    python benchmarks/against.py ../before

Each round runs both checkouts once, in a process of its own; of each task the shortest time of
all rounds counts.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from timing import best_of

HERE = Path(__file__).resolve().parent.parent


def tasks():
    """Functions by name: the public interface only, which both checkouts have."""
    from constructions import construct, elimination_order, separate, verify
    from geomcore import (
        ReLUNetwork,
        activation_pattern,
        datasets,
        input_gradients,
        truncation_map,
    )
    from training import SGD, perturb, perturbation_study, train_ensemble

    rng = np.random.default_rng(0)

    def network(widths):
        pairs = zip(widths[1:], widths[:-1], strict=True)
        layers = [
            (rng.normal(size=(m, n)) / np.sqrt(n), 0.1 * rng.normal(size=m)) for m, n in pairs
        ]
        return ReLUNetwork([W for W, _ in layers], [b for _, b in layers])

    W, b, many = rng.normal(size=(3, 3)), rng.normal(size=3), rng.normal(size=(1_000_000, 3))
    head, plane = network((2, 32, 1, 1)), rng.normal(size=(100_000, 2))
    A, B = (rng.normal(size=(1000, 20)) + shift for shift in (1.2, -1.2))
    small, X, Y = network((3, 3, 3, 3, 3)), rng.normal(size=(300, 3)), rng.normal(size=(300, 3))
    trials = perturb(small, 0.1, 256, rng=0)
    digits = datasets.digits()
    found = {
        "truncation map 3 x 3": lambda: truncation_map(W, b, many),
        "input gradients 2-32-1-1": lambda: input_gradients(head, plane),
        "activation pattern 2-32-1-1": lambda: activation_pattern(head, plane),
        "separate, N = 2,000, d = 20": lambda: separate(A, B),
        "elimination order, digits": lambda: elimination_order(digits.X, digits.y),
        "perturb, 256 networks": lambda: perturb(small, 0.1, 256, rng=0),
        "study, 256 trials of 100 steps": lambda: perturbation_study(
            small, X, Y, scales=[0.1], trials=256, steps=100, seed=0, optimizer=SGD(0.01)
        ),
    }
    for engine, count, steps in (("compiled", 256, 300), ("numpy", 32, 60)):
        for label, size in (("full batch", None), ("batches of 32", 32)):
            options = {"engine": engine, "steps": steps, "record": steps, "batch_size": size}
            found[f"{engine}, {label}"] = lambda c=count, o=options: train_ensemble(
                trials[:c], X, Y, rngs=range(c), **o
            )
    for name in ("iris", "wine", "breast_cancer", "digits"):
        data = getattr(datasets, name)()
        net = construct(data.X, data.y).network
        found[f"construct, {name}"] = lambda d=data: construct(d.X, d.y)
        found[f"verify, {name}"] = lambda d=data, n=net: verify(n, d.X, d.y)
    return found


def measured(checkout):
    """Seconds of every task in a checkout."""
    environment = {**os.environ, "PYTHONPATH": os.fspath(checkout)}
    command = [sys.executable, "-W", "ignore", __file__, "--tasks"]
    done = subprocess.run(
        command, cwd=checkout, env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("other", type=Path, nargs="?", default=HERE, help="another checkout")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tasks", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.tasks:
        times = {}
        for name, task in tasks().items():
            first = best_of([task], repeats=2)[0][0]
            times[name] = min(first, best_of([task], repeats=3 if first > 0.1 else 20)[0][0])
        print(json.dumps(times))
        return
    rounds = [
        [measured(checkout) for checkout in (arguments.other.resolve(), HERE)]
        for _ in range(arguments.rounds)
    ]
    print(f"{'':34}{'other, ms':>12}{'this, ms':>12}{'ratio':>8}")
    for name in rounds[0][0]:
        other, this = (min(pair[k][name] for pair in rounds) for k in (0, 1))
        print(f"{name:34}{other * 1e3:12.2f}{this * 1e3:12.2f}{this / other:8.2f}")


if __name__ == "__main__":
    main()
