"""A certificate, checked anew by somebody who has it, the network and the data."""

import numpy as np

from constructions.proof.certificate import Certificate, Check
from constructions.proof.verification import verify
from geomcore.arrays import as_labels, as_points
from geomcore.parameters import flatten, move
from geomcore.weighting import point_weights


def recheck(certificate, net, X, y, *, targets=None):
    """Check what a certificate says of a network on data; nothing in it is trusted.

    Parameters
    ----------
    certificate : Certificate
        From `Certificate.from_json`, say.
    net : ReLUNetwork
    X : array_like, shape (N, d_0)
    y : array_like, shape (N,) or (N, d_L)
    targets : array_like, shape (Q, d_L), optional
        As for `verify`.

    Returns
    -------
    tuple of Check
        Of its size, its loss, its verdict, which is found anew by `verify`
        with the same loss and subset, and its witness, if it has one: the loss
        after the step, by a plain evaluation of the network.

    Raises
    ------
    ValueError
        If the certificate is none, or the data do not fit the network.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> net = ReLUNetwork([[[1.0]]], [[0.0]])
    >>> found = verify(net, [[0.0], [1.0]], [[1.0], [1.0]])
    >>> [check.passed for check in recheck(found, net, [[0.0], [1.0]], [[1.0], [1.0]])]
    [True, True, True, True]
    """
    if not isinstance(certificate, Certificate):
        raise ValueError(f"certificate must be a Certificate, got {type(certificate).__name__}")
    subset = certificate.subset
    found = verify(
        net,
        X,
        y,
        targets=targets,
        loss=certificate.loss_name,
        subset="cumulative" if subset == ("cumulative",) else subset,
    )
    size = (certificate.points, tuple(certificate.widths)) == (found.points, found.widths)
    near = np.isclose(certificate.loss, found.loss, rtol=1e-6, atol=1e-15)
    same = (certificate.verdict, certificate.proved) == (found.verdict, found.proved)
    checks = [
        Check("points and widths", bool(size), None, f"{found.points} points, {found.widths}"),
        Check("loss", bool(near), found.loss, f"{found.loss:.6g}, stated {certificate.loss:.6g}"),
        Check("verdict", same, None, f"{found.verdict}, stated {certificate.verdict}"),
    ]
    if certificate.witness is not None:
        X = as_points(X, d=net.widths[0]).astype(np.float64, copy=False)
        labels = as_labels(y, len(X), targets=targets)
        checks.append(_witness(certificate, net, X, labels))
    return tuple(checks)


def _witness(certificate, net, X, labels):
    """Take the step that the witness names, and look at the loss."""
    try:
        step, parts = float(certificate.witness["step"]), certificate.witness["direction"]
        direction = flatten([part[kind] for part in parts for kind in ("weights", "biases")])
        other = move(net, direction, step)
    except (KeyError, TypeError, ValueError):
        return Check("witness", False, None, "it does not fit the network")
    class_weighted = certificate.loss_name == "class_weighted"
    weights = point_weights(labels.index, class_weighted=class_weighted)
    before, after = (float(weights @ ((f(X) - labels.Y) ** 2).sum(axis=1)) for f in (net, other))
    stated = certificate.witness.get("loss", np.nan)
    # a small gain is below the rounding of a plain evaluation, and was proved in balls
    passed = after <= before * (1 + 1e-12) and bool(np.isclose(after, stated, rtol=1e-6))
    detail = f"the step lowers the loss from {before:.6g} to {after:.6g}, stated {stated:.6g}"
    return Check("witness", passed, after, detail)
