"""
Draw the linear regions of a network
====================================

A ReLU network is affine on each of finitely many polygons. All of them are computed; nothing is
sampled.
"""

from itertools import pairwise

import numpy as np

from geomcore import ReLUNetwork, linear_regions
from geomcore.plot import plot_boundary, plot_regions

rng = np.random.default_rng(3)
widths = (2, 16, 16, 2)
net = ReLUNetwork(
    [rng.standard_normal((m, n)) for n, m in pairwise(widths)],
    [rng.standard_normal(m) for m in widths[1:]],
)
regions = linear_regions(net, box=[(-2, 2), (-2, 2)])
print(len(regions), "regions;", regions.counts, "after each hidden layer")

# %%
# Coloured by area; the thick line is where the answer of the network changes.

ax = plot_regions(regions, regions.areas, label="area")
plot_boundary(regions.class_boundary(), ax=ax)
