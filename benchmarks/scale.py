"""Seconds and peak memory of construct and verify as the number of points grows.

    python benchmarks/scale.py                           d = 784, up to 60,000 points: minutes
    python benchmarks/scale.py --quick                   d = 50, up to 8,000 points
    python benchmarks/scale.py --d 100 --points 1000 4000

Ten Gaussian classes around centres of norm 1, noise 0.1 per coordinate. Each
number of points has a process of its own, so that its peak memory is its own;
it includes the interpreter and its libraries, whose share is in the first
line, and the data, N d 8 bytes. Where other programs use the cores too, set
OPENBLAS_NUM_THREADS=1: factorisations of 784 x 784 matrices otherwise wait for
busy threads, ten times as long as they compute. The picture of the growth goes to ``--out``.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import LogLocator

from constructions import construct, verify

POINTS = (1000, 2000, 5000, 10_000, 20_000, 40_000, 60_000)
QUICK = (500, 1000, 2000, 4000, 8000)
CLASSES = 10


def gaussian_classes(n, d, rng):
    """Points and labels of ten classes, drawn class by class to spare memory."""
    X = rng.standard_normal((n, d))
    X *= 0.1
    y = np.arange(n) % CLASSES
    centres = rng.standard_normal((CLASSES, d))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    for q in range(CLASSES):
        X[q::CLASSES] += centres[q]
    return X, y


def peak():
    """Largest resident memory of this process so far, in GB."""
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (kilobytes / 1024 if sys.platform == "darwin" else kilobytes) / 1e6


def measure(n, d, method):
    """Everything about one number of points, as a dict of plain values."""
    # a first small run loads the solvers and the compiled kernels
    small = gaussian_classes(200, 20, np.random.default_rng(1))
    verify(construct(*small, "sequential").network, *small)
    before = peak()
    X, y = gaussian_classes(n, d, np.random.default_rng(0))
    start = time.perf_counter()
    found = construct(X, y, method)
    built = time.perf_counter()
    after_construct = peak()
    certificate = verify(found.network, X, y)
    done = time.perf_counter()
    return {
        "n": n,
        "d": d,
        "method": found.method,
        "layers": len(found.network.weights),
        "construct": built - start,
        "verify": done - built,
        "before": before,
        "construct GB": after_construct,
        "peak GB": peak(),
        "loss": certificate.loss,
        "margin": certificate.activation_margin,
        "condition": max(record.condition for record in found.layers),
        "verdict": certificate.verdict if certificate.proved else "not proved",
    }


def in_own_process(n, d, method):
    """`measure` in a fresh interpreter; None and a message if it fails."""
    command = [sys.executable, __file__, "--one", str(n), "--d", str(d), "--method", method]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        last = (run.stderr.strip() or f"status {run.returncode}").splitlines()[-1]
        print(f"{n:8,d}   failed: {last}", flush=True)
        return None
    return json.loads(run.stdout.splitlines()[-1])


def exponent(rows, key):
    """Slope of log seconds against log N over the larger half of the sizes."""
    rows = rows[len(rows) // 2 :] if len(rows) > 3 else rows
    return np.polyfit(np.log([r["n"] for r in rows]), np.log([r[key] for r in rows]), 1)[0]


def picture(rows, path):
    """Seconds and memory against N, with a line of slope 1 to compare."""
    n = np.array([r["n"] for r in rows])
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    for key, marker in (("construct", "o"), ("verify", "s")):
        seconds = np.array([r[key] for r in rows])
        left.loglog(n, seconds, marker=marker, label=key)
        right.semilogx(n, 1e3 * seconds / n, marker=marker, label=key)
    total = np.array([r["construct"] + r["verify"] for r in rows])
    left.loglog(n, total[-1] * n / n[-1], "k:", lw=1, label="linear")
    left.set_ylabel("seconds")
    left.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    left.yaxis.set_major_formatter("{x:g}")
    right.set_ylabel("milliseconds per point")
    right.set_ylim(bottom=0)
    for ax in (left, right):
        ax.set_xticks(n, [f"{k:,}" for k in n], rotation=45)
        ax.minorticks_off()
        ax.set_xlabel("points")
        ax.grid(alpha=0.3)
        ax.legend(frameon=False)
    fig.suptitle(f"ten Gaussian classes in {rows[0]['d']} dimensions", fontsize=10)
    path.mkdir(parents=True, exist_ok=True)
    fig.savefig(path / "growth.png", dpi=110)
    fig.savefig(path / "growth.svg")
    print(f"picture: {path / 'growth.png'}")


def table(rows_of, points, d, method):
    print(
        f"{'N':>8s} {'layers':>7s} {'construct':>10s} {'verify':>8s} {'memory':>8s} {'peak':>8s} "
        f"{'loss':>8s} {'margin':>8s} {'cond':>8s}   (s, GB; d = {d}; memory: after construct)",
        flush=True,
    )
    rows = []
    for n in points:
        row = rows_of(n, d, method)
        if row is None:
            continue
        if not rows:
            print(f"libraries and a warm-up take {row['before']:.2f} GB", flush=True)
        rows.append(row)
        print(
            f"{n:8,d} {row['layers']:7d} {row['construct']:10.2f} {row['verify']:8.2f} "
            f"{row['construct GB']:8.2f} {row['peak GB']:8.2f} {row['loss']:8.0e} "
            f"{row['margin']:8.0e} {row['condition']:8.0e}   {row['verdict']}, {row['method']}",
            flush=True,
        )
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small: d = 50, up to 8,000 points")
    parser.add_argument("--points", type=int, nargs="+", help="numbers of points")
    parser.add_argument("--d", type=int, help="dimension")
    parser.add_argument("--method", default="sequential", help="as in construct")
    parser.add_argument("--out", type=Path, default=Path("runs/scale"), help="for the picture")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    d = arguments.d or (50 if arguments.quick else 784)
    if arguments.one:
        print(json.dumps(measure(arguments.one, d, arguments.method)))
        return
    points = arguments.points or (QUICK if arguments.quick else POINTS)
    rows = table(in_own_process, points, d, arguments.method)
    if len(rows) > 1:
        grows = ", ".join(f"{key} N^{exponent(rows, key):.2f}" for key in ("construct", "verify"))
        print(f"growth over the larger sizes: {grows}")
        picture(rows, arguments.out)


if __name__ == "__main__":
    main()
