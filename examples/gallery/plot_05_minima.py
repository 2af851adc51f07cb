"""
Find the minima between
=======================

With three classes, each one collapsed or left alone, there are eight networks; merging classes
gives more. `verify` finds out which of them are minima.
"""

import matplotlib.pyplot as plt

from constructions import merged, suboptimal, suboptimal_family, verify
from geomcore import datasets

data = datasets.clusters(40, radius=0.1, rng=0)
networks = {}
for state in [(0, 0, 0), (0, 0, 1), (0, 1, 1), (1, 1, 1)]:
    networks["state " + "".join(map(str, state))] = suboptimal(data.X, data.y, state).network
for groups in ([[0], [1, 2]], [[0, 1, 2]]):
    name = " | ".join(" ".join(map(str, group)) for group in groups)
    networks["merge " + name] = merged(data.X, data.y, groups).network
found = {name: verify(net, data.X, data.y) for name, net in networks.items()}
for name, certificate in found.items():
    print(f"{name:14} loss {certificate.loss:8.2e}  {certificate.verdict}")
print(len(suboptimal_family(data.X, data.y)), "states in all")

fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
words = [f"{name}: {certificate.verdict}" for name, certificate in found.items()]
ax.barh(words[::-1], [max(c.loss, 1e-33) for c in found.values()][::-1], log=True)
ax.set_xlabel("loss")
