"""
Untangle any data
=================

Two interleaved spirals, which no theorem on separable data covers. The universal construction cuts
off piece after piece and sends each to the pile of its class, in added dimensions.
"""

from constructions import construct, verify
from geomcore import datasets
from geomcore.plot import plot_piles

data = datasets.spirals(60, arms=2, turns=0.8, rng=0)
found = construct(data.X, data.y, "universal")
certificate = verify(found.network, data.X, data.y)
print(found.network, certificate.verdict, "proved" if certificate.proved else "not proved")

plot_piles(found.network, data.X, data.y)
