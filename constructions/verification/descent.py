"""The basin of gradient descent around a minimum that is proved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from constructions.proof.certificate import Certificate, data_digest, network_digest
from constructions.proof.descent_basin import (
    basin_with_radius,
    basin_with_rounding,
    basin_with_step,
    curvature_at_minimum,
)
from geomcore.arrays import as_count, as_labels, as_points, as_positive, check_network
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import quoted
from geomcore.network import ReLUNetwork
from geomcore.typing import ArrayLike
from geomcore.weighting import point_weights

if TYPE_CHECKING:
    from constructions.proof.descent_basin import DescentBasin


@answers_keywords
def descent_basin(
    certificate: Certificate,
    net: ReLUNetwork,
    X: ArrayLike,
    y: ArrayLike,
    step: float,
    *,
    targets: ArrayLike | None = None,
    steps: int | None = None,
) -> DescentBasin | None:
    r"""A radius from which gradient descent with a step provably comes back to a minimum.

    Parameters
    ----------
    certificate : Certificate
        Of `constructions.verify` for this network on these data: a minimum with a basin of return.
    net : ReLUNetwork
    X : array_like, shape (N, d)
    y : array_like, shape (N,) or (N, k)
        Labels or targets.
    step : float
        Of gradient descent on the loss of the certificate, all points at each step. (A framework
        whose loss divides by the number of outputs too takes that many times this step.)
    targets : array_like, shape (Q, k), optional
        As for `verify`.
    steps : int, optional
        If given, the basin is that of so many steps in double precision, with all their rounding.
        Default: of exact steps, as many as one likes.

    Returns
    -------
    DescentBasin or None
        None if the certificate has no basin, the step is too large for any ball, or the bounds
        leave nothing.

    Raises
    ------
    ValueError
        If the certificate is of another network or other data, or something does not fit.

    Notes
    -----
    See `constructions.proof.descent_basin`. The premise is that of the basin of return: a
    certificate that has none, though it proves a minimum, says that the last layer alone does not
    pull everything back. A certificate that was read from a file is believed: `recheck` it first.

    Exact steps come as near to the minimum as one likes. Rounded ones do not: with `steps`, what
    they may leave is the `residue` of the basin. Where the loss is flat their errors may add up, so
    that the radius shrinks with `steps`, a little; without end nothing is proved of them. What is
    said then holds of `training.train` with full batches, plain SGD and no penalties.

    Examples
    --------
    >>> from constructions import verify
    >>> net = ReLUNetwork([[[-1.0]], [[1.0]]], [[1.0], [0.0]])
    >>> X, y = [[0.0], [2.0], [3.0]], [[1.0], [0.0], [0.0]]
    >>> certificate = verify(net, X, y)
    >>> basin = descent_basin(certificate, net, X, y, 0.1)
    >>> 0 < basin.radius < basin.ball and basin.curvature * basin.step <= 1
    True
    >>> descent_basin(certificate, net, X, y, 1.0) is None
    True
    >>> rounded = descent_basin(certificate, net, X, y, 0.1, steps=1000)
    >>> 0.99 < rounded.radius / basin.radius < 1, 0 < rounded.residue < 1e-10
    (True, True)
    """
    step = as_positive(step, "step")
    if steps is not None:
        steps = as_count(steps, "steps")
    X, known = _minimum(certificate, net, X, y, targets)
    if known is None:
        return None
    if steps is None:
        return basin_with_step(net, X, step, **known)
    return basin_with_rounding(net, X, step, steps, **known)


@answers_keywords
def largest_step(
    certificate: Certificate,
    net: ReLUNetwork,
    X: ArrayLike,
    y: ArrayLike,
    radius: float,
    *,
    targets: ArrayLike | None = None,
) -> DescentBasin | None:
    """The largest step with which gradient descent provably returns from a radius.

    Parameters
    ----------
    certificate, net, X, y, targets
        As for `descent_basin`.
    radius : float
        Wanted; less than that of the flow, ``certificate.basin["radius"]``.

    Returns
    -------
    DescentBasin or None
        With that step; None if there is none.

    Raises
    ------
    ValueError
        As `descent_basin`.

    Examples
    --------
    >>> from constructions import verify
    >>> net = ReLUNetwork([[[-1.0]], [[1.0]]], [[1.0], [0.0]])
    >>> X, y = [[0.0], [2.0], [3.0]], [[1.0], [0.0], [0.0]]
    >>> certificate = verify(net, X, y)
    >>> found = largest_step(certificate, net, X, y, 0.01)
    >>> descent_basin(certificate, net, X, y, found.step).radius >= 0.01
    True
    """
    radius = as_positive(radius, "radius")
    X, known = _minimum(certificate, net, X, y, targets)
    return None if known is None else basin_with_radius(net, X, radius, **known)


def curvature_at(certificate, net, X, y, *, targets=None):
    """Proved bounds of the norm of the Hessian at a minimum, or 0 and inf; as `descent_basin`."""
    X, known = _minimum(certificate, net, X, y, targets)
    return (0.0, np.inf) if known is None else curvature_at_minimum(net, X, **known)


def _minimum(certificate, net, X, y, targets):
    """Points, and what is proved of the minimum, or None if that is not enough."""
    if not isinstance(certificate, Certificate):
        raise ValueError(f"certificate must be a Certificate, got {quoted(certificate)}")
    check_network(net, ReLUNetwork)
    X = as_points(X, d=net.widths[0]).astype(np.float64, copy=False)
    labels = as_labels(y, len(X), targets=targets)
    for name, stated, right in (
        ("network", certificate.network, network_digest(net)),
        ("data", certificate.data, data_digest(X, labels)),
    ):
        if stated != right:
            raise ValueError(f"certificate must be of this network and these data, {name} differs")
    if certificate.basin is None or not certificate.proved:
        return X, None
    # With a basin the rank of the class matrix is proved to be that of all outputs. The numerical
    # rank is not below it, since the basin has a strength above the rounding; if rounding made it
    # larger, the strength would only be smaller.
    weights = point_weights(labels.index, class_weighted=certificate.loss_name == "class_weighted")
    return X, {
        "loss_bound": certificate.loss_bound,
        "distance": certificate.distance,
        "weights": weights,
        "rank": None,
    }
