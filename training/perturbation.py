"""Perturbations: normal noise of a given norm on every tensor of a network."""

from numbers import Real

import numpy as np

from geomcore.arrays import as_count, as_rng
from training.chain import stack


def perturb(net, scale, trials, *, relative=False, rng=None):
    r"""Perturb every tensor of a network by normal noise of a fixed norm.

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
    rng : Generator or seed, optional

    Returns
    -------
    list of Network, length `trials`
        `train_ensemble` takes it as it is.

    Raises
    ------
    ValueError
        If `scale` is negative or not finite, or `trials` is no count.

    Notes
    -----
    The total norm of an absolute perturbation is :math:`\lambda \sqrt{2L}` for
    L affine layers.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> net = ReLUNetwork([np.eye(2)], [[0.0, 0.0]])
    >>> first, second = perturb(net, 0.1, 2, rng=0)
    >>> bool(np.isclose(np.linalg.norm(first.weights[0] - net.weights[0]), 0.1))
    True
    >>> first == second
    False
    """
    if isinstance(scale, bool) or not isinstance(scale, Real) or not 0 <= scale < np.inf:
        raise ValueError(f"scale must be a finite number, at least 0, got {scale!r}")
    trials, rng = as_count(trials, "trials", least=0), as_rng(rng)
    chain, reference = stack([net])
    networks = []
    for _ in range(trials):
        tensors = [p + scale * _direction(p, relative, rng) for p in reference]
        networks.append(chain.network(tensors, 0))
    return networks


def _direction(tensor, relative, rng):
    """Normal noise of norm 1, or of the norm of `tensor`."""
    noise = rng.standard_normal(tensor.shape)
    size = np.linalg.norm(tensor) if relative else 1.0
    return noise * (size / np.linalg.norm(noise))
