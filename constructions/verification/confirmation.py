"""A certificate, checked anew by somebody who has it, the network and the data."""

import dataclasses
import re

import numpy as np

from constructions.proof.certificate import Certificate, Check, data_digest, network_digest
from constructions.proof.derivatives import length, pairs_of
from constructions.proof.exact import above
from constructions.proof.stationarity import ORDER, derivative_in_balls
from constructions.verification.verification import examine
from geomcore.arrays import as_labels, as_points, check_network
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import printable, shortened
from geomcore.network import ReLUNetwork
from geomcore.parameters import flatten, move

BOUNDS = (
    "loss_bound",
    "loss_floor",
    "lower_bound",
    "activation_margin",
    "margins",
    "distance",
    "slack",
    "gap",
    "radius",
    "basin",
)
ROUNDING = 1e-9  # relative difference that another machine may make
FLOATING = 1e-6  # the same in numbers that are in floating point only
LOOSE = 4  # factor between what two machines find of distances that are rounding
LONGEST = 250  # characters of a detail that are told
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|\binf\b)")


@answers_keywords
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
        _equal("network", certificate.network, network_digest(net)),
        _equal("data", certificate.data, data_digest(X, labels)),
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
        )
    except ValueError as error:
        return (*about, Check("options", False, None, str(error)))
    names = [field.name for field in dataclasses.fields(Certificate)][2:]
    return (*about, *(_compare(name, certificate, found, problem) for name in names))


def confirmation(checks):
    """The checks of `recheck` for a reader: the first field that differs, and how all stand."""
    differ = [check for check in checks if check.passed is False]
    open_ = [check for check in checks if check.passed is None]
    lines = []
    if differ:
        lines.append(f"the certificate does not hold: {differ[0].name} is not what is found")
    elif open_:
        lines.append("the certificate holds but for rounding; geomcore check decides the rest")
    else:
        lines.append(f"the certificate holds: all {len(checks)} fields are what is found")
    lines += [f"  no   {check.name}: {_told(check)}" for check in differ]
    lines += [f"  ?    {check.name}: {_told(check)}" for check in open_]
    return "\n".join(lines)


def _told(check):
    """The detail of a check in a part of a line, whatever texts the certificate holds."""
    return shortened(printable(check.detail), LONGEST)


def _compare(name, certificate, found, problem):
    """One field of a certificate against what was found."""
    stated, right = getattr(certificate, name), getattr(found, name)
    if name == "witness":
        return _witness(stated, right, problem)
    if name == "critical":
        return _critical(stated, right)
    if name == "checks":
        return _checks(stated, right)
    if stated == right or (stated is None) != (right is None):
        return _equal(name, stated, right)
    if name in ("loss", "class_weighted_loss"):
        high, low = problem.stated_losses()[name != "loss"][1]
        return _answer(name, low <= stated <= high, stated, right)
    if name == "gradient_norm":
        noise = ROUNDING * problem.gradient_scale()
        return _answer(name, abs(stated - right) <= FLOATING * right + noise, stated, right)
    if name == "smallest_eigenvalue":
        return _answer(name, abs(stated - right) <= FLOATING * abs(right), stated, right)
    if name not in BOUNDS:
        return _equal(name, stated, right)
    numbers = _flat(stated), _flat(right)
    near = len(numbers[0]) == len(numbers[1]) and np.allclose(*numbers, rtol=ROUNDING, atol=0)
    if name in ("distance", "gap", "slack") and found.critical is not None:
        near = 0 < right <= LOOSE * stated  # how near rounding lets it come is the machine's
    return _answer(name, None if near else False, stated, right)


def _critical(stated, right):
    """What is proved of an exact critical point: counts are the same, bounds are alike."""
    if stated == right:
        return Check("critical", True, None, "none" if right is None else right["argument"])
    if (stated is None) != (right is None):
        return _equal("critical", stated and "one", right and "one")
    exact = [[c[key] for key in ("argument", "rank", "rank_error")] for c in (stated, right)]
    places = [[(k["layer"], k["point"], k["unit"]) for k in c["kinks"]] for c in (stated, right)]
    if exact[0] != exact[1] or places[0] != places[1]:
        return _equal("critical", (exact[0], places[0]), (exact[1], places[1]))
    numbers = [
        [v for k in c["kinks"] for v in (k["multiplier"], k["rise"])] + [c["eigenvalue"]]
        for c in (stated, right)
    ]
    near = np.allclose(*numbers, rtol=FLOATING, atol=0)
    near = near and stated["uniqueness"] <= LOOSE * right["uniqueness"]
    return _answer("critical", None if near else False, stated, right)


def _flat(value):
    """The numbers of a bound: of a tuple, of a dict, or the one."""
    if isinstance(value, dict):
        return [value[key] for key in sorted(value)]
    return list(value) if isinstance(value, tuple) else [value]


def _equal(name, stated, right):
    return _answer(name, type(stated) is type(right) and stated == right, stated, right)


def _answer(name, passed, stated, right):
    detail = f"{right}" if stated == right else f"stated {stated}, found {right}"
    return Check(name, passed, None, detail)


def _checks(stated, right):
    """The checks for a reader: the same words, and numbers that rounding alone tells apart."""
    if stated == right:
        return Check("checks", True, None, f"{len(right)} of {len(right)} agree")
    for one, other in zip(stated, right, strict=False):
        same = (one.name, one.passed) == (other.name, other.passed)
        if not same or NUMBER.sub("", one.detail) != NUMBER.sub("", other.detail):
            return Check("checks", False, None, f"stated {tuple(one)}, found {tuple(other)}")
    if len(stated) != len(right):
        return Check("checks", False, None, f"{len(stated)} stated, {len(right)} found")
    return Check("checks", None, None, "some numbers differ")


def _witness(stated, right, problem):
    """Take the step that the witness names, and look at the loss and at the slope."""
    if (stated is None) != (right is None):
        return _equal("witness", stated and "one", right and "one")
    if stated is None:
        return Check("witness", True, None, "none")
    kinds = [key for key in ("slope", "curvature", "coefficient") if key in stated]
    if set(stated) != set(right):
        return _equal("witness", sorted(stated), sorted(right))
    order = {"slope": 1, "curvature": 2}.get(kinds[0]) or stated["order"]
    net, parts, step = problem.net, stated["direction"], stated["step"]
    try:
        tensors = [np.array(p[key], dtype=float) for p in parts for key in ("weights", "biases")]
        direction = flatten(tensors)
        fits = [t.shape for t in tensors] == [t.shape for t in net.tensors]
        fits = fits and np.isfinite(step) and abs(length(direction) - 1) <= FLOATING
        fits = fits and 1 <= order <= ORDER and (step > 0 or (step < 0 and order == 2))
        fits = fits and not direction[~problem.free].any() and _follows(direction, problem)
        other = move(net, direction, step) if fits else None
    except (TypeError, ValueError):
        fits = False
    if not fits:
        detail = "its direction or step does not fit the network, or moves what is held"
        return Check("witness", False, None, detail)
    high, floor = problem.bounds_at(other)[0], problem.bounds()[1]
    ball = derivative_in_balls(problem, direction, order)
    slope, exact = stated[kinds[0]], right[kinds[0]]
    if ball is not None:
        exact = above(ball) * (2 if kinds[0] == "curvature" else 1)
    elif parts != right["direction"]:
        return Check("witness", None, None, "its slope is out of reach of ball arithmetic")
    detail = f"the step leads from {floor:.6g} to {high:.6g}, {kinds[0]} {exact:.6g}"
    falls = high < floor and exact < 0
    if (stated["loss"], slope) == (high, exact) and falls:
        return Check("witness", True, None, detail)
    detail += f", stated {stated['loss']:.6g} and {slope:.6g}"
    rounding = ROUNDING if ball is not None else FLOATING
    near = np.isclose(stated["loss"], high, rtol=ROUNDING, atol=0)
    near = near and np.isclose(slope, exact, rtol=rounding, atol=0)
    return Check("witness", None if near and falls else False, None, detail)


def _follows(direction, problem):
    """Whether the last biases follow the last weights, where the cumulative weight moves."""
    last = problem.last_bias(direction)
    if last is None:
        return True
    V, c = pairs_of(problem.net, direction)[-1]
    size = np.abs(V) @ [float(abs(v).mid()) for v in problem.offset]
    return all(abs(a - b) <= 2.0**-40 * s for a, b, s in zip(last, c.tolist(), size, strict=True))
