"""What `settle` and `verify` say of scikit-learn's networks on whole data sets.

    python benchmarks/settling/standardised.py              60 networks, some minutes of a core
    python benchmarks/settling/standardised.py --only wine

All columns, standardised; L-BFGS to scikit-learn's own end; one and two hidden layers; the loss
that scikit-learn minimises: cross-entropy, of two classes binary, and for diabetes the squared
error, with the weight decay that `alpha` is, but of all parameters (scikit-learn leaves biases
out), or without.
"""

import argparse
import time
import warnings
from collections import Counter

import numpy as np
from sklearn import datasets as bundled
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

from constructions import verify
from geomcore import from_sklearn
from training import settle

SHAPES = [(4,), (8,), (4, 4), (6, 4), (8, 8)]
ALPHAS = [0.0, 1e-2, 1.0]


def cases():
    """Name, points, what is fitted, and the loss, of four data sets."""
    found = {"loss": "cross_entropy"}, {"loss": "bce", "targets": [[0], [1]]}, {"loss": "mse"}
    for name, load, goal in (
        ("iris", bundled.load_iris, found[0]),
        ("wine", bundled.load_wine, found[0]),
        ("breast cancer", bundled.load_breast_cancer, found[1]),
        ("diabetes", bundled.load_diabetes, found[2]),
    ):
        X, y = load(return_X_y=True)
        if name == "diabetes":
            y = ((y - y.mean()) / y.std())[:, None]
        yield name, StandardScaler().fit_transform(X), y, goal


def trained(X, y, shape, alpha):
    """A network of this toolkit, as scikit-learn leaves it."""
    kind = MLPRegressor if y.ndim == 2 else MLPClassifier
    model = kind(
        hidden_layer_sizes=shape, alpha=alpha, solver="lbfgs", max_iter=3000, random_state=1
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged, and that logits are left
        return from_sklearn(model.fit(X, y.ravel()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default="", help="a data set")
    parser.add_argument("--seconds", type=float, default=20.0, help="limit of each settling")
    args = parser.parse_args()
    ends, seconds = {}, []
    for name, X, y, goal in cases():
        for shape in SHAPES if name.startswith(args.only) else ():
            for alpha in ALPHAS:
                net = trained(X, y, shape, alpha)
                decay = alpha / len(X) * (2 if goal["loss"] == "mse" else 1)
                problem = {"weight_decay": decay, **goal}
                began = time.process_time()
                settled = settle(net, X, y, seconds=args.seconds, **problem)
                between = time.process_time()
                told = verify(settled.network, X, y, **problem)
                taken = between - began, time.process_time() - between
                seconds.append(sum(taken))
                end = told.verdict
                if not told.proved or end == "not stationary":
                    end = settled.reason.split(":")[0]
                    if settled.is_critical:
                        end = "critical, unproved"
                ends.setdefault((name, "with decay" if alpha else "without"), Counter())[end] += 1
                why = [c.detail for c in told.checks if c.name == "an exact minimum next to it"]
                print(
                    f"{name:13s} {shape!s:7s} alpha {alpha:<5g} {settled.loss_before:.5e} -> "
                    f"{settled.loss:.5e} {len(settled.kinks):3d} kinks {taken[0]:5.1f} + "
                    f"{taken[1]:4.1f} s  {end}: {'; '.join(why)}",
                    flush=True,
                )
    for case, counts in ends.items():
        print(f"{', '.join(case)}: " + ", ".join(f"{n} {end}" for end, n in counts.most_common()))
    print(
        f"settle and verify: median {np.median(seconds):.1f} s of a core, most {max(seconds):.1f} s"
    )


if __name__ == "__main__":
    main()
