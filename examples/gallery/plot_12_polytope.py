"""
Measure how flat a network is inside a polytope
===============================================

A network that adds up by how far a point is beyond each face of a polytope is zero inside. On how
much of the polytope (white) the gradient vanishes is computed exactly, from the linear regions.
"""

import matplotlib.pyplot as plt
import numpy as np

from geomcore import Polytope, ReLUNetwork, datasets, linear_regions, mesa_measures
from geomcore.plot import plot_regions

polytope = Polytope.of(datasets.polytope(200, faces=6, rng=0))
normals, offsets = polytope.normals, polytope.offsets
net = ReLUNetwork([normals, np.ones((1, len(normals)))], [-offsets, [0.0]])
blurred = ReLUNetwork([normals, np.ones((1, len(normals)))], [-0.7 * offsets, [0.0]])

fig, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for ax, network in zip(axes, (net, blurred), strict=True):
    found = mesa_measures(network, polytope, box=1.5)
    regions = linear_regions(network, [(-1.5, 1.5), (-1.5, 1.5)])
    steep = np.linalg.norm(regions.maps[:, 0, :2], axis=1)
    plot_regions(regions, steep, label="slope", ax=ax)
    ax.fill(*polytope.polygon(1.5).T, fill=False, edgecolor="white", lw=2)
    ax.set_title(f"flat on {found.zero.fraction:.0%} of the polytope")
