"""
Follow the loss along a line, exactly
=====================================

From one network to another that computes the same, its hidden units in another order: how high is
the way? `exact_slice` computes the loss on the line from kink to kink, `barrier` proves a bound.
"""

import numpy as np

from constructions import construct
from geomcore import ReLUNetwork, datasets
from training import barrier, exact_slice

data = datasets.clusters(30, rng=0)
net = construct(data.X, data.y).network
order = [1, 2, 0]
W, b = [w.copy() for w in net.weights], [c.copy() for c in net.biases]
W[0], b[0], W[1] = W[0][order], b[0][order], W[1][:, order]
other = ReLUNetwork(W, b)
print("largest difference of outputs:", np.abs(net(data.X) - other(data.X)).max())

found = barrier(net, other, data.X, data.y)
print(f"the largest loss between is at least {found.lower:.6f} and at most {found.upper:.6f}")

# %%
# At t = 0 is the one network, at t = 1 the other. At each tick a unit flips at a point of the data;
# between two of them the loss is one polynomial. The dot is the smallest loss.

line = exact_slice(net, other.packed()[0] - net.packed()[0], data.X, data.y, interval=(-0.2, 1.2))
line.plot()
