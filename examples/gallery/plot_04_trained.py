"""
Ask what a trained network is
=============================

A small network is trained with scikit-learn. Where training stopped, the loss can still be lowered.
`settle` goes on to the critical point near by, and there `verify` proves what kind of point it is.
"""

import matplotlib.pyplot as plt
from sklearn.neural_network import MLPRegressor

from constructions import verify
from geomcore import datasets, from_sklearn, linear_regions
from geomcore.plot import plot_boundary, plot_data
from training import settle

data = datasets.clusters(30, classes=2, d=2, radius=0.9, rng=1)
targets = (data.y == 1).astype(float)
model = MLPRegressor((3,), solver="lbfgs", alpha=0.0, max_iter=300, random_state=2)
model.fit(data.X, targets)
net = from_sklearn(model)
before = verify(net, data.X, targets[:, None])
print("trained:", before.verdict, "at loss", before.loss)

settled = settle(net, data.X, targets[:, None])
print(settled.summary())
after = verify(settled.network, data.X, targets[:, None])
print(after.summary())

# %%
# The lines on which the settled network bends, over the data. Where a line meets points, units are
# on their kink there.

fig, ax = plt.subplots(figsize=(5, 5), layout="constrained")
plot_data(data.X, data.y, ax=ax)
box = [ax.get_xlim(), ax.get_ylim()]
regions = linear_regions(settled.network, box)
for i in range(len(regions)):
    corners = regions.polygon(i)
    ax.plot(*corners[[*range(len(corners)), 0]].T, color="grey", lw=0.8)
plot_boundary(regions.level_set(level=0.5), ax=ax)
