"""
Learn a sparse code
===================

Data that are sums of few atoms of a known dictionary. An autoencoder with a penalty on its
activations learns a code; the penalty and the kind of norm decide how sparse it is.
"""

import matplotlib.pyplot as plt

from geomcore import datasets
from training import train_sparse

data = datasets.sparse_synthetic(1000, rng=0)
fig, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
for penalty in (0.01, 0.1, 0.3):
    result = train_sparse(data.X, 40, penalty=penalty, steps=400, rng=0)
    ax.semilogy(result.history.steps, result.history.loss, label=f"penalty {penalty}")
    print(penalty, result.stop_reason, result.history.loss[-1])
ax.set(xlabel="step", ylabel="loss")
ax.legend(frameon=False)
