"""
The best network with one hidden layer
======================================

With weight decay, the best loss over all widths is bounded by a convex program. `best_two_layer`
finds a network that is proved to be within a small gap of it; `regularisation_path` does so for
several weight decays.
"""

import numpy as np

from constructions import regularisation_path

x = np.linspace(-1, 1, 12)[:, None]
y = np.abs(x) + 0.3 * np.sin(6 * x)
path = regularisation_path(x, y, [0.003, 0.01, 0.03, 0.1, 0.3])
print(path.frame()[["loss", "lower_bound", "neurons"]].to_string())
path.plot()
