"""How many columns are Gabor functions with free norms, the longer is trained.

python benchmarks/sparse/longer.py [seeds]

Patches of the quick size of `geomcore sparse`, the highest penalty, no loop; a few seconds.
"""

import sys

import numpy as np

from geomcore.threads import single_threaded_blas
from training import train_sparse
from training.descent.optimizers import Adam
from training.experiments.sparse.measured import measures_of
from training.experiments.sparse.protocol import BATCH, HIGHEST, PATCHES, QUICK, RATE, task_of

STEPS = (400, 1000, 4000)


def row_of(seed, steps):
    """What `geomcore sparse` measures of one autoencoder."""
    task = task_of(PATCHES, seed, QUICK)
    told = train_sparse(
        task.X,
        task.units,
        penalty=HIGHEST,
        treatment="free",
        steps=steps,
        batch_size=BATCH,
        optimizer=Adam(RATE),
        rng=task.start,
    )
    return measures_of(told.autoencoder, task, np.random.default_rng(seed))


def main(seeds):
    """One line per seed and length."""
    print("| seed | steps | Gabor columns | Gabor fields | units on |")
    print("|---|---|---|---|---|")
    for seed in range(seeds):
        for steps in STEPS:
            row = row_of(seed, steps)
            told = (f"{row[name]:.1%}" for name in ("atom_gabor", "field_gabor", "active"))
            print(f"| {seed} | {steps} | {' | '.join(told)} |", flush=True)


if __name__ == "__main__":
    with single_threaded_blas():
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
