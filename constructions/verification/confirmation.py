"""A certificate, checked anew by somebody who has it, the network and the data."""

from __future__ import annotations

import dataclasses

import numpy as np

from constructions.proof.certificate import Certificate, Check, data_digest, network_digest
from constructions.verification.comparison import compared, equality
from constructions.verification.verification import examine
from geomcore.arrays import as_labels, as_points, check_network
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import printable, shortened
from geomcore.network import ReLUNetwork
from geomcore.typing import ArrayLike

LONGEST = 250  # characters of a detail that are told


@answers_keywords
def recheck(
    certificate: Certificate,
    net: ReLUNetwork,
    X: ArrayLike,
    y: ArrayLike,
    *,
    targets: ArrayLike | None = None,
) -> tuple[Check, ...]:
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
        One for each field, named after it, in order; if the certificate is of another network
        or of other data, for these fields alone. Each is found anew by `verify` with the
        same options; a witness is examined as it is, direction, step, loss and slope.
        ``passed`` is False where a field differs, and None where a bound, the witness or a
        check for readers differs by no more than rounding may on another machine:
        `check_certificate` decides whether such a bound is true.

    Raises
    ------
    ValueError
        If the certificate is none, or the data do not fit the network.

    See Also
    --------
    check_certificate : shares no code with `verify`.

    Examples
    --------
    >>> from constructions import verify
    >>> net = ReLUNetwork([[[1.0]]], [[0.0]])
    >>> found = verify(net, [[0.0], [1.0]], [[1.0], [1.0]])
    >>> all(check.passed for check in recheck(found, net, [[0.0], [1.0]], [[1.0], [1.0]]))
    True
    >>> [check.name for check in recheck(found, net, [[0.0], [2.0]], [[1.0], [1.0]])
    ...  if not check.passed]
    ['data']
    """
    if not isinstance(certificate, Certificate):
        raise ValueError(f"certificate must be a Certificate, got {type(certificate).__name__}")
    check_network(net, ReLUNetwork)
    X = as_points(X, d=net.widths[0]).astype(np.float64, copy=False)
    labels = as_labels(y, len(X), targets=targets)
    about = [
        equality("network", certificate.network, network_digest(net)),
        equality("data", certificate.data, data_digest(X, labels)),
    ]
    if not all(check.passed for check in about):
        return tuple(about)
    subset = certificate.subset
    try:
        found, problem = examine(
            net,
            X,
            y,
            targets=targets,
            loss=certificate.loss_name,
            weight_decay=certificate.weight_decay,
            subset="cumulative" if subset == ("cumulative",) else subset,
            exact=certificate.exact,
            rtol=certificate.rtol,
            gtol=certificate.gtol,
            step=certificate.step,
        )
    except ValueError as error:
        return (*about, Check("options", False, None, str(error)))
    names = [field.name for field in dataclasses.fields(Certificate)][2:]
    return (*about, *(compared(name, certificate, found, problem) for name in names))


def confirmation(checks):
    """The checks of `recheck` for a reader: the first field that differs, and how all stand."""
    differ = [check for check in checks if check.passed is False]
    open_ = [check for check in checks if check.passed is None]
    lines = []
    if differ:
        lines.append(f"the certificate does not hold: {differ[0].name} is not what is found")
    elif open_:
        lines.append("the certificate holds but for rounding in what is marked ?")
    else:
        lines.append(f"the certificate holds: all {len(checks)} fields are what is found")
    lines += [f"  no   {check.name}: {_told(check)}" for check in differ]
    lines += [f"  ?    {check.name}: {_told(check)}" for check in open_]
    return "\n".join(lines)


def _told(check):
    """The detail of a check in a part of a line, whatever texts the certificate holds."""
    return shortened(printable(check.detail), LONGEST)
