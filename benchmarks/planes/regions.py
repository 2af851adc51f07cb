"""Linear regions on a plane: against regioncam (PyPI, in Rust, float32) on the same networks.

pip install regioncam
PYTHONPATH=benchmarks python benchmarks/planes/regions.py
"""

import time
from itertools import pairwise

import numpy as np
from timing import best_of

from geomcore import ReLUNetwork, linear_regions

SHAPES = ((2, 32, 32, 1), (2, 100, 100, 1), (64, 64, 64, 1))
LARGE = (2, 256, 256, 256, 1)
BOX = [(-1.0, 1.0), (-1.0, 1.0)]


def rounded(values):
    """What float32 tells of values, as floats."""
    return values.astype(np.float32).astype(float)


def network(widths, rng):
    """Scaled normal weights, biases of a third of that, rounded to float32."""
    weights = [rng.normal(size=(m, n)) / np.sqrt(n) for n, m in pairwise(widths)]
    biases = [0.3 * rng.normal(size=m) for m in widths[1:]]
    return ReLUNetwork([rounded(W) for W in weights], [rounded(b) for b in biases])


def plane(d, rng):
    """Origin and basis of a plane in more than two dimensions, rounded to float32, or nothing."""
    if d == 2:
        return None, None
    return rounded(0.3 * rng.normal(size=d)), rounded(rng.normal(size=(2, d)))


def by_regioncam(net, origin, basis):
    """The same regions by regioncam."""
    import regioncam

    found = regioncam.Regioncam(size=1.0)
    if basis is not None:
        found.linear(basis.astype(np.float32), origin.astype(np.float32))
    for W, b in zip(net.weights[:-1], net.biases[:-1], strict=True):
        found.linear(W.T.astype(np.float32), b.astype(np.float32))
        found.relu()
    return found


def main():
    rng = np.random.default_rng(0)
    for widths in SHAPES:
        net = network(widths, rng)
        origin, basis = plane(widths[0], rng)
        case = (net, origin, basis)
        linear_regions(net, BOX, origin, basis)
        times, (ours, theirs) = best_of(
            [
                lambda case=case: linear_regions(case[0], BOX, *case[1:]),
                lambda case=case: by_regioncam(*case),
            ],
            7,
        )
        print(
            f"{'-'.join(map(str, widths))}: {len(ours):,} regions in {times[0] * 1e3:.1f} ms, "
            f"regioncam {theirs.num_faces:,} in {times[1] * 1e3:.1f} ms "
            f"({times[1] / times[0]:.2f} times ours)"
        )
    net = network(LARGE, rng)
    start = time.process_time()
    found = linear_regions(net, BOX)
    print(
        f"{'-'.join(map(str, LARGE))}: {len(found):,} regions in "
        f"{time.process_time() - start:.1f} s of a core; areas miss the box by "
        f"{abs(found.areas.sum() / found.area - 1):.0e}"
    )


if __name__ == "__main__":
    main()
