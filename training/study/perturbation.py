"""Perturbations: normal noise of a given norm on the tensors of a network."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real

import numpy as np

from geomcore.arrays import as_count, as_rng, check_network
from geomcore.foreign.choices import as_flag
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import quoted
from geomcore.network import Network
from geomcore.parameters import selected
from geomcore.typing import Seed


@answers_keywords
def perturb(
    net: Network,
    scale: float,
    trials: int,
    *,
    relative: bool = False,
    tensors: Sequence[str] | None = None,
    rng: Seed = None,
) -> list[Network]:
    r"""Perturb the tensors of a network by normal noise of a fixed norm.

    .. math:: T \mapsto T + \lambda \frac{E}{\|E\|_F}
              \qquad\text{or}\qquad
              T \mapsto T + \lambda \|T\|_F \frac{E}{\|E\|_F}

    for each of the tensors :math:`W_\ell` and :math:`b_\ell`, with E standard
    normal and drawn anew for each tensor and trial.

    Parameters
    ----------
    net : Network
        It is not changed.
    scale : float
        :math:`\lambda \ge 0`.
    trials : int
        Number of perturbed networks.
    relative : bool
        Scale the noise by the norm of the tensor; a tensor of zeros then stays.
    tensors : sequence of str, optional
        Names of the tensors that are moved, among `geomcore.parameters.tensor_names`;
        default all of them. The noise of a tensor does not depend on which
        others are moved.
    rng : Generator or seed, optional

    Returns
    -------
    list of Network, length `trials`
        `train_ensemble` takes it as it is.

    Raises
    ------
    ValueError
        If `scale` is negative or not finite, `trials` is no count, or there is
        no tensor of a given name.

    See Also
    --------
    norm_per_scale : the total norm of the perturbation.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> net = ReLUNetwork([np.eye(2)], [[0.0, 0.0]])
    >>> first, second = perturb(net, 0.1, 2, rng=0)
    >>> bool(np.isclose(np.linalg.norm(first.weights[0] - net.weights[0]), 0.1))
    True
    >>> first == second
    False
    >>> perturb(net, 0.1, 1, tensors=["b1"], rng=0)[0].weights[0]
    array([[1., 0.],
           [0., 1.]])
    """
    if isinstance(scale, bool) or not isinstance(scale, Real) or not 0 <= scale < np.inf:
        raise ValueError(f"scale must be a finite number, at least 0, got {quoted(scale)}")
    relative = as_flag(relative, "relative")
    trials, rng = as_count(trials, "trials", least=0), as_rng(rng)
    check_network(net, Network)
    reference, moved = net.tensors, selected(net.names, tensors)
    networks = []
    for _ in range(trials):
        noise = [_direction(p, relative, rng) for p in reference]
        parts = enumerate(zip(reference, noise, strict=True))
        networks.append(net.rebuild([p + scale * e if i in moved else p for i, (p, e) in parts]))
    return networks


@answers_keywords
def norm_per_scale(
    net: Network, *, relative: bool = False, tensors: Sequence[str] | None = None
) -> float:
    r"""Total norm of a perturbation of scale 1.

    The noise on each tensor has a fixed norm, so the norm of all of it together
    is :math:`\lambda` times

    .. math:: \sqrt{\#\{T\}} \qquad\text{or}\qquad \Big( \sum_T \|T\|_F^2 \Big)^{1/2}

    for absolute and for relative noise.

    Parameters
    ----------
    net : Network
    relative, tensors
        As for `perturb`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        As `perturb`.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> net = ReLUNetwork([[[3.0]], [[1.0]]], [[4.0], [0.0]])
    >>> norm_per_scale(net), norm_per_scale(net, relative=True, tensors=["W1", "b1"])
    (2.0, 5.0)
    """
    check_network(net, Network)
    reference = net.tensors
    moved = [reference[i] for i in selected(net.names, tensors)]
    if not as_flag(relative, "relative"):
        return float(np.sqrt(len(moved)))
    return float(np.linalg.norm([np.linalg.norm(p) for p in moved]))


def _direction(tensor, relative, rng):
    """Normal noise of norm 1, or of the norm of `tensor`."""
    noise = rng.standard_normal(tensor.shape)
    size = np.linalg.norm(tensor) if relative else 1.0
    return noise * (size / np.linalg.norm(noise))
