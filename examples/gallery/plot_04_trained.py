"""
Ask what a trained network is
=============================

A small network is trained with scikit-learn. Where training stopped, the loss can still be lowered.
`settle` goes on to the critical point near by, and there `verify` proves what kind of point it is.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import make_moons
from sklearn.neural_network import MLPRegressor

from constructions import verify
from geomcore import from_sklearn, linear_regions
from geomcore.plot import plot_boundary, plot_data
from training import settle

X, y = make_moons(60, noise=0.25, random_state=0)
targets = (y == 1).astype(float)
model = MLPRegressor(
    hidden_layer_sizes=(5,), solver="lbfgs", alpha=0.0, max_iter=300, random_state=1
)
model.fit(X, targets)
net = from_sklearn(model)
before = verify(net, X, targets[:, None])
print("trained:", before.verdict, "at loss", before.loss)

settled = settle(net, X, targets[:, None])
print(settled.summary())
after = verify(settled.network, X, targets[:, None])
print(after.summary())

# %%
# The lines on which the settled network bends, over the data. Where a line meets points, units are
# on their kink there.

fig, ax = plt.subplots(figsize=(5, 5), layout="constrained")
plot_data(X, y, ax=ax)
box = [ax.get_xlim(), ax.get_ylim()]
regions = linear_regions(settled.network, box)
for i in range(len(regions)):
    corners = regions.polygon(i)
    ax.plot(*corners[[*range(len(corners)), 0]].T, color="grey", lw=0.8)
plot_boundary(regions.level_set(level=0.5), ax=ax)
