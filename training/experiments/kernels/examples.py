"""The worked examples of non-negative kernels: one unit without bias, on a line (claim C)."""

from itertools import product
from typing import NamedTuple

import numpy as np

from constructions import best_unit
from geomcore.layers import Affine, ReLU
from geomcore.network import Network
from training.descent.constraints import Box, NonNegative
from training.descent.optimizers import SGD, Adam
from training.descent.trainer import train_ensemble

ACTIVATIONS = ("linear", "relu")
INPUTS = (-2.0, 0.0, 2.0)  # of the first two examples, which train nothing
LINE = (-2.0, -1.0, 0.0, 1.0, 2.0)  # of the third one
TARGETS = {"2x": 2.0, "-2x": -2.0}  # the source's, and their mirror image
STARTS = (-1.0, -0.1, 0.0, 0.1, 1.0)
SOURCE_START, SOURCE_OPTIMIZER, EPOCHS = 0.0, "Adam", 100
OPTIMIZERS = {"SGD": SGD(0.05), "Adam": Adam(0.1)}
# What the source prints for the third example.
PRINTED = {"linear": (0.0, 0.0, 0.0, 4.0, 8.0), "relu": (0.0, 0.0, 0.0, 0.0, 0.0)}


class Run(NamedTuple):
    """A unit from one kernel to another.

    Attributes
    ----------
    activation, targets, optimizer : str
    held : bool
        Whether the kernel was kept at 0 or above, by projection after every step.
    start, kernel : float
    outputs : tuple of float
        At `LINE`.
    loss : float
        Mean squared error.
    slope : float
        Derivative of the loss at the start.
    best_kernel, best_loss : float
        Of the best unit, under the same constraint.
    """

    activation: str
    targets: str
    optimizer: str
    held: bool
    start: float
    kernel: float
    outputs: tuple
    loss: float
    slope: float
    best_kernel: float
    best_loss: float


def unit(kernel, activation):
    """The network of one unit, of bias 0."""
    layers = [Affine([[kernel]], [0.0])]
    return Network(layers + [ReLU()] * (activation == "relu"))


def fixed_rows():
    """Outputs of the first two examples, for kernels as given and put to 0 or above."""
    rows = []
    for activation, kernel, held in product(ACTIVATIONS, (1.0, -1.0), (False, True)):
        used = float(NonNegative().project(np.array([[kernel]]))[0, 0]) if held else kernel
        outputs = unit(used, activation)(np.array(INPUTS)[:, None])[:, 0]
        rows.append(
            {"activation": activation, "kernel": f"{kernel:g}", "constraint": named(held)}
            | {"used": f"{used:g}"}
            | {"outputs": in_words(outputs)}
        )
    return rows


def runs():
    """Train the third example from all starts, with and without the constraint, by each optimizer.

    Returns
    -------
    list of Run
    """
    X, found = np.array(LINE)[:, None], []
    for activation, (name, slope), held in product(ACTIVATIONS, TARGETS.items(), (False, True)):
        y = slope * X[:, 0]
        best = best_unit(X, y, activation=activation, non_negative=held)
        nets = [unit(start, activation) for start in STARTS]
        for optimizer, rule in OPTIMIZERS.items():
            terms = [Box(0.0, 0.0, ("b1",))] + [NonNegative(("W1",))] * held
            done = train_ensemble(
                nets, X, y[:, None], optimizer=rule, steps=EPOCHS, constraints=terms, record=EPOCHS
            )
            for start, net in zip(STARTS, done.networks, strict=True):
                outputs = net(X)[:, 0]
                found.append(
                    Run(
                        activation,
                        name,
                        optimizer,
                        held,
                        start,
                        float(net.tensors[0][0, 0]),
                        tuple(outputs.tolist()),
                        float(((outputs - y) ** 2).mean()),
                        _slope(start, activation, X[:, 0], y),
                        float(best.weights[0]),
                        best.loss,
                    )
                )
    return found


def losses_of(kernels, activation, slope):
    """Mean squared errors (K,) of units with these kernels for targets slope x."""
    x = np.array(LINE)
    values = np.multiply.outer(kernels, x)
    outputs = np.maximum(values, 0) if activation == "relu" else values
    return ((outputs - slope * x) ** 2).mean(axis=1)


def _slope(kernel, activation, x, y):
    value = kernel * x
    on = value > 0 if activation == "relu" else np.ones(len(x), bool)
    return float((2 * (value - y) * x * on).mean())


def named(held):
    """What a constraint is called in tables."""
    return "kernel >= 0" if held else "free"


def in_words(outputs):
    """Outputs as the source prints them."""
    return ", ".join(f"{v + 0.0:.3g}" for v in np.round(outputs, 6) + 0.0)


def rows_of(found):
    """Rows of a table of runs."""
    return [
        {
            "activation": run.activation,
            "targets": run.targets,
            "constraint": named(run.held),
            "optimizer": run.optimizer,
            "start": run.start,
            "slope at start": run.slope,
            "kernel": run.kernel,
            "outputs": in_words(run.outputs),
            "loss": run.loss,
            "best kernel": run.best_kernel,
            "best loss": run.best_loss,
        }
        for run in found
    ]
