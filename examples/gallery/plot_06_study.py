"""
Push a minimum and train it back
================================

A zero-loss network is moved by noise of several norms, many times, and each moved network is
trained. Small pushes return, large ones do not.
"""

from constructions import construct
from geomcore import datasets
from training import perturbation_study

data = datasets.clusters(30, rng=0)
net = construct(data.X, data.y).network
study = perturbation_study(
    net, data.X, data.y, scales=[0.1, 0.3, 1.0, 3.0], trials=20, steps=3000, seed=0
)
print(study.summary())
study.plot()
