"""
Look at the loss around a network
=================================

The loss on a plane through a zero-loss network, in two random directions that are scaled like its
units, at once and after some steps of training from each point.
"""

from constructions import construct
from geomcore import datasets
from training import SGD, hessian_spectrum, loss_surface

data = datasets.clusters(30, rng=0)
net = construct(data.X, data.y).network
surface = loss_surface(net, data.X, data.y, points=25, steps=50, optimizer=SGD(0.05), rng=0)
surface.plot()

# %%
# The eigenvalues of the Hessian at the network.

spectrum = hessian_spectrum(net, data.X, data.y)
print(spectrum.summary())
spectrum.plot()
