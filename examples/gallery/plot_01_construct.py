"""
Build a network with loss zero
==============================

Three classes that hyperplanes cut off one after another. `construct` builds a network from them
without training, and `verify` proves that it is a global minimum.
"""

from constructions import construct, verify
from geomcore import datasets, truncate
from geomcore.plot import plot_truncation

data = datasets.sequential(60, d=2, rng=1)
found = construct(data.X, data.y, "sequential")
print(found.summary())
print(verify(found.network, data.X, data.y).summary())

# %%
# Each hidden layer sends one class to one point and leaves the others alone. The last layer sends
# the three points to the three labels.

plot_truncation([data.X, *truncate(found.network, data.X)], data.y)
