"""Time mini-batches: passes written out for a shape against the general ones, and shuffles.

    PYTHONPATH=benchmarks python benchmarks/minibatches/written.py             a table over shapes
    PYTHONPATH=benchmarks python benchmarks/minibatches/written.py --sizes     over batch sizes
    PYTHONPATH=benchmarks python benchmarks/minibatches/written.py --shuffles
    PYTHONPATH=benchmarks python benchmarks/minibatches/written.py --jax       before, now, JAX

Microseconds of CPU time per trial and step on one thread, the shortest of some rounds in turns;
both have the same shuffles. A pass is compiled anew for its seconds. JAX gets its shuffles drawn
beforehand; CPU time of all threads and seconds on the clock, which other programs lengthen.
"""

import argparse
import math
import time
from functools import partial

import numpy as np
from ensemble import jax_scan, ours, problem
from numba import cfunc

from geomcore.layers.chains import chain_of
from training.descent.batches import permuted
from training.descent.compiled import ensemble_descent, written
from training.descent.compiled.ensemble_descent import LOSSES
from training.descent.compiled.shuffling import permute
from training.descent.losses import as_loss
from training.descent.optimizers import SGD
from training.descent.trainer import train_ensemble

SHAPES = [
    (2, 2),
    (3, 3, 3, 3, 3),
    (2, 16, 1),
    (3, 8, 3),
    (4, 4, 4, 4, 4, 4),
    (2, 8, 8, 1),
    (2, 32, 1),
    (10, 10, 3),
    (2, 16, 8, 1),
    (2, 16, 16, 1),
]
TRIALS, STEPS = 64, 1000


def shortest(functions, repeats):
    """Shortest seconds of CPU time of this thread, functions in turns."""
    taken = [[] for _ in functions]
    for _ in range(repeats):
        for seconds, function in zip(taken, functions, strict=True):
            start = time.thread_time()
            function()
            seconds.append(time.thread_time() - start)
    return [min(seconds) for seconds in taken]


def training(widths, size, loss, fewest):
    """A function that trains, with a pass written out if `fewest` steps allow it."""
    networks, X, Y = problem(widths, 300, TRIALS)
    if loss != "mse":
        Y = np.eye(max(2, widths[-1]))[np.arange(300) % max(2, widths[-1]), : widths[-1]]
    options = {"loss": loss, "batch_size": size, "steps": STEPS, "record": STEPS}

    def run():
        written.STEPS = fewest
        rngs = [np.random.default_rng(t) for t in range(TRIALS)]
        return train_ensemble(
            networks, X, Y, optimizer=SGD(0.01), rngs=rngs, engine="compiled", **options
        ).final_losses

    return run


def compiling(widths, loss):
    """Seconds to compile a pass."""
    space = {"exp": math.exp}
    chain = chain_of(problem(widths, 2, 1)[0][0].layers)
    exec(written.program(written.layers_to_write(chain, 32, written.STEPS), loss), space)
    start = time.thread_time()
    cfunc(written.SIGNATURE, nopython=True, fastmath=written.FLAGS)(space["gradient"])
    return time.thread_time() - start


def compare(widths, size, loss, repeats):
    """One row: microseconds of both ways, their ratio, seconds to compile."""
    runs = [training(widths, size, loss, fewest) for fewest in (STEPS + 1, 0)]
    np.testing.assert_allclose(runs[1](), runs[0](), rtol=1e-6)
    general, special = (1e6 * s / TRIALS / STEPS for s in shortest(runs, repeats))
    name = "-".join(map(str, widths))
    print(
        f"{name:14s} {loss:14s} batches of {size:3d}  {general:6.2f} {special:6.2f} us"
        f"  {general / special:5.2f}",
        end="  ",
    )
    print(f"compiled in {compiling(widths, LOSSES[type(as_loss(loss))]):.1f} s", flush=True)


def shuffles(repeats):
    """Nanoseconds per point of both ways to shuffle."""
    for n in (30, 300, 3000):
        rows = np.empty((7800 // n, n), dtype=np.int64)
        rng = np.random.default_rng(0)
        ways = [partial(way, rng, rows) for way in (permuted, permute)]
        numpy, compiled = (1e9 * s / rows.size for s in shortest(ways, 20 * repeats))
        print(f"{n} points: NumPy {numpy:.2f}, compiled {compiled:.2f} ns per point")


def against_jax(repeats, steps=2000):
    """Before (general passes, shuffles by NumPy), now, and JAX: CPU time and time on the clock."""
    widths, trials = (3, 3, 3, 3, 3), 256
    task = problem(widths, 300, trials)

    def compiled(fewest, way):
        run = ours("compiled", *task, steps, 32)

        def with_this():
            written.STEPS, ensemble_descent.permute = fewest, way
            return run()

        return with_this

    runs = [
        compiled(steps + 1, permuted),
        compiled(0, permute),
        jax_scan(*task, steps, 32),
    ]
    np.testing.assert_allclose(runs[1](), runs[0](), rtol=1e-6)
    runs[2]()
    taken = [[] for _ in runs]
    for _ in range(repeats):
        for times, run in zip(taken, runs, strict=True):
            start = time.process_time(), time.perf_counter()
            run()
            times.append((time.process_time() - start[0], time.perf_counter() - start[1]))
    for name, times in zip(("before", "now", "JAX"), taken, strict=True):
        cpu, clock = (1e6 * t / trials / steps for t in np.min(times, axis=0))
        print(f"{name:8s} {cpu:6.2f} us CPU time, {clock:6.2f} us on the clock", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--sizes", action="store_true")
    parser.add_argument("--shuffles", action="store_true")
    parser.add_argument("--jax", action="store_true")
    arguments = parser.parse_args()
    # All shapes and sizes take part, also those that have no pass in earnest.
    written.PARAMETERS = 10_000
    if arguments.jax:
        against_jax(arguments.repeats)
    elif arguments.shuffles:
        shuffles(arguments.repeats)
    elif arguments.sizes:
        for size in (1, 4, 8, 16, 32, 64, 128):
            compare((3, 3, 3, 3, 3), size, "mse", arguments.repeats)
    else:
        for widths in SHAPES:
            compare(widths, 32, "mse", arguments.repeats)
        for widths in ((3, 3, 3, 3, 3), (2, 16, 1)):
            for loss in ("bce", "cross_entropy")[: 1 + (widths[-1] > 1)]:
                compare(widths, 32, loss, arguments.repeats)


if __name__ == "__main__":
    main()
