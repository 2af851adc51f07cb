"""
Learn a sparse code
===================

Data that are sums of few atoms of a known dictionary. An autoencoder with a penalty on its
activations learns a code. The larger the penalty, the fewer units are on at a point, and the less
exactly is it put together from them.
"""

import matplotlib.pyplot as plt
import numpy as np

from geomcore import datasets
from geomcore.plot import class_style
from training import train_sparse

data = datasets.sparse_synthetic(1000, rng=0)
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
for number, penalty in enumerate((0.01, 0.1, 0.3)):
    result = train_sparse(data.X, 40, penalty=penalty, steps=400, rng=0)
    history, (color, _) = result.history, class_style(number)
    left.plot(history.steps, 100 * np.array(history.active), color=color)
    label = f"penalty {penalty}"
    right.semilogy(history.steps, history.reconstruction, color=color, label=label)
    print(result.summary())
left.set(xlabel="step", ylabel="units that are on (%)", ylim=(0, None))
right.set(xlabel="step", ylabel="error of the reconstruction")
right.legend(frameon=False)
