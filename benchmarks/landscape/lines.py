"""Exact slices, barriers and surfaces: how long they take, and how near grids come.

python benchmarks/landscape/lines.py
"""

import time

import numpy as np
from landscape.curvature import case

from geomcore.parameters import flatten
from training import barrier, exact_slice, loss_slice, loss_surface

SHAPES = (((3, 3, 3, 3, 3), 300), ((2, 8, 8, 2), 100), ((4, 16, 16, 3), 150))


def seconds(function, *arguments):
    """Seconds of a core, at best of three, and the result."""
    times = []
    for _ in range(3):
        start = time.process_time()
        result = function(*arguments)
        times.append(time.process_time() - start)
    return min(times), result


def main():
    rng = np.random.default_rng(0)
    for widths, points in SHAPES:
        net, X, Y = case(widths, points, rng)
        other = case(widths, points, rng)[0]
        v = flatten(other.tensors) - flatten(net.tensors)
        line_time, line = seconds(exact_slice, net, v, X, Y, (0.0, 1.0))
        way_time, way = seconds(barrier, net, other, X, Y)
        grid_time, _ = seconds(loss_slice, net, X, Y, v)
        plane_time, _ = seconds(loss_surface, net, X, Y)
        print(
            f"{'-'.join(map(str, widths))}, {points} points: exact slice {line_time:.2f} s "
            f"({line.cells:,} cells), barrier to {way.upper / way.lower - 1:.0e} {way_time:.2f} s "
            f"({way.pieces} pieces), grid of 51 {grid_time:.3f} s, "
            f"surface of 51 x 51 {plane_time:.2f} s; largest loss {line.maximum.loss:.6g}"
        )


if __name__ == "__main__":
    main()
