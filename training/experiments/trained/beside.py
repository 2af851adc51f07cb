"""The network that is constructed, beside those that were trained."""

import numpy as np

from constructions import ConstructionError, construct, verify
from constructions.proof.basin import cell_radius
from training.descent.losses import as_loss

NOISES = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)  # standard deviations, in units of a white pixel
DRAWS = 10
MOST_PARAMETERS = 20_000
CONSTRUCTED = "constructed"


def constructed(X, y):
    """The network of the theorem on sequentially separable data, which has the same shape.

    Parameters
    ----------
    X, y : ndarray, shapes (N, d), (N,)

    Returns
    -------
    net : ReLUNetwork or None
    refusal : str
        Why there is none.
    """
    try:
        return construct(X, y, "sequential").network, ""
    except ConstructionError as refusal:
        return None, str(refusal)


def examined(net, X, y, *, loss="mse"):
    """What is proved of a network: its kind, its cell, its basin.

    Parameters
    ----------
    net : ReLUNetwork
    X, y : ndarray, shapes (N, d), (N,)
    loss : str

    Returns
    -------
    dict
        ``verdict`` of `constructions.verify`, ``proved``, ``cell_radius`` (no unit
        flips for changes of all parameters of a smaller norm), ``basin`` (radius of certified
        return; nan unless the point is a proved minimum with one).
    """
    found = verify(net, X, y, loss=loss)
    return {
        "verdict": found.verdict,
        "proved": found.proved,
        "cell_radius": float(cell_radius(net, X)),
        "basin": np.nan if found.basin is None else float(found.basin["radius"]),
    }


def is_examined(net):
    """Whether a trained network is small enough to be examined.

    A trained network that is not at a critical point takes 2 s with 12,000 parameters, and many
    minutes with 45,000 in eleven layers.
    """
    return net.parameter_count <= MOST_PARAMETERS


def comparison_row(net, digits, *, loss):
    """Loss, accuracy, margin and condition of one network.

    Parameters
    ----------
    net : ReLUNetwork
    digits : Digits
    loss : str

    Returns
    -------
    dict
        ``loss``, ``accuracy`` and ``held_accuracy``; ``margin``, the least |pre-activation| over
        the norm of (W, b), and ``condition``, the largest one of cumulative weights, of
        all hidden layers.
    """
    loss = as_loss(loss)
    Q = len(digits.chosen)
    index = np.searchsorted(digits.chosen, digits.y)
    Y = np.eye(Q)[index]
    value = float(loss.value(net(digits.X), Y) @ loss.weights(index))
    margins, conditions, x, W = [], [], digits.X, np.eye(digits.X.shape[1])
    for V, c in zip(net.weights[:-1], net.biases[:-1], strict=True):
        before, W = x @ V.T + c, V @ W
        x = np.maximum(before, 0)
        size = np.hypot(np.linalg.norm(V), np.linalg.norm(c))
        margins.append(np.abs(before).min() / size if size else 0.0)
        singular = np.linalg.svd(W, compute_uv=False)
        conditions.append(singular[0] / singular[-1] if singular[-1] > 0 else np.inf)
    return {
        "loss": value,
        "accuracy": accuracy(net, digits.X, digits.y, digits.chosen),
        "held_accuracy": accuracy(net, digits.held_X, digits.held_y, digits.chosen),
        "margin": float(min(margins)),
        "condition": float(max(conditions)),
    }


def accuracy(net, X, y, classes):
    """Fraction of points whose largest output is that of their class; nan without points."""
    if not len(X):
        return np.nan
    return float((np.asarray(classes)[net(X).argmax(axis=1)] == y).mean())


def noise_rows(net, digits, *, seed, noises=NOISES, draws=DRAWS):
    """Accuracy on held-out images with Gaussian noise on all pixels, the same for all networks.

    Parameters
    ----------
    net : ReLUNetwork
    digits : Digits
    seed : int
    noises : sequence of float
        Standard deviations.
    draws : int

    Returns
    -------
    list of dict
        ``noise`` and the mean ``accuracy`` over the draws.
    """
    rows = []
    for noise in noises:
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2,)))
        found = [
            accuracy(
                net,
                digits.held_X + noise * rng.standard_normal(digits.held_X.shape),
                digits.held_y,
                digits.chosen,
            )
            for _ in range(draws if noise else 1)
        ]
        rows.append({"noise": float(noise), "accuracy": float(np.mean(found))})
    return rows
