"""
See the cone of a layer
=======================

A layer collapses the backward cone of its base point, leaves the forward cone alone and projects
everything else onto a face.
"""

import matplotlib.pyplot as plt
import numpy as np

from geomcore import PolyhedralCone, truncation_map
from geomcore.plot import plot_cones, plot_data

rng = np.random.default_rng(0)
X = rng.uniform(-2, 2, (300, 2))
cone = PolyhedralCone([0.3, 0.2], [[1.0, 0.1], [0.4, 1.0]])
where = np.array(["backward", "neither", "forward"])[cone.sector(X) + 1]
moved = truncation_map(*cone.to_layer(), X)

fig, axes = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
for ax, points, title in zip(axes, (X, moved), ("the points", "after the layer"), strict=True):
    plot_data(points, where, ax=ax, legend=ax is axes[0])
    ax.set(xlim=(-2.1, 2.9), ylim=(-2.1, 2.5))
    plot_cones([cone], ax=ax)
    ax.set_title(title)
