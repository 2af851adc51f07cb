"""
Watch classes and cones move in training
========================================

The truncated data of a network in the moments of its training: one row of pictures for paper.
`film` makes a film of it.
"""

import numpy as np

from geomcore import ReLUNetwork, datasets
from training import FilmReel, film_strip, neural_collapse, train

data = datasets.clusters(40, classes=2, d=2, radius=0.5, rng=0)
rng = np.random.default_rng(1)
net = ReLUNetwork([rng.standard_normal((2, 2)) for _ in range(3)], [np.zeros(2)] * 3)
reel = FilmReel(frames=20)
trained = train(net, data.X, data.y, steps=2000, record=10, callbacks=reel)
print(trained.summary())
film_strip(reel.frames(), data.X, data.y)

# %%
# How far the classes have collapsed, in the measures NC1 to NC4 of Papyan, Han and Donoho.

print(neural_collapse(trained.network, data.X, data.y).frame().to_string())
