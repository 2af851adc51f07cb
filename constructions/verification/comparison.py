"""One field of a certificate, compared with what is found."""

import re

import numpy as np

from constructions.proof.certificate import Check
from constructions.verification.all_widths import COARSEST, excess_for
from constructions.verification.verification import gap_between
from constructions.verification.witness import FLOATING, ROUNDING, compared_witness

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
)
BASINS = ("basin", "descent")
LOOSE = 4  # factor between what two machines find of distances that are rounding
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|\binf\b)")


def compared(name, certificate, found, problem):
    """One field of a certificate against what was found."""
    stated, right = getattr(certificate, name), getattr(found, name)
    if name == "witness":
        return compared_witness(stated, right, problem)
    if name == "critical":
        return _critical(stated, right)
    if name == "checks":
        return _checks(stated, right)
    if stated == right or (stated is None) != (right is None):
        return equality(name, stated, right)
    if name in ("loss", "class_weighted_loss"):
        high, low = problem.stated_losses()[name != "loss"][1]
        return _answer(name, low <= stated <= high, stated, right)
    if name == "gradient_norm":
        noise = ROUNDING * problem.gradient_scale()
        return _answer(name, abs(stated - right) <= FLOATING * right + noise, stated, right)
    if name == "smallest_eigenvalue":
        return _answer(name, abs(stated - right) <= FLOATING * abs(right), stated, right)
    if name in BASINS:
        return _basin(name, stated, right)
    if name not in BOUNDS:
        return equality(name, stated, right)
    numbers = _flat(stated), _flat(right)
    near = len(numbers[0]) == len(numbers[1]) and np.allclose(*numbers, rtol=ROUNDING, atol=0)
    if name == "gap":  # of what is stated, whatever rounding has left of it
        near = stated == gap_between(certificate.loss_bound, certificate.lower_bound)
    if name == "lower_bound" and found.weight_decay:  # where the search for it ends
        part = excess_for(found.rtol) if found.slack else COARSEST
        near = abs(stated - right) <= LOOSE * part * right and stated <= found.loss_bound
    if name in ("distance", "slack") and found.critical is not None:
        near = _is_alike(stated, right)  # how near rounding lets it come is the machine's
    return _answer(name, None if near else False, stated, right)


def _critical(stated, right):
    """What is proved of an exact critical point: counts are the same, bounds are alike."""
    if stated == right:
        return Check("critical", True, None, "none" if right is None else right["argument"])
    if (stated is None) != (right is None):
        return equality("critical", stated and "one", right and "one")
    exact = [[c[key] for key in ("argument", "rank", "rank_error")] for c in (stated, right)]
    places = [[(k["layer"], k["point"], k["unit"]) for k in c["kinks"]] for c in (stated, right)]
    if exact[0] != exact[1] or places[0] != places[1]:
        return equality("critical", (exact[0], places[0]), (exact[1], places[1]))
    numbers = [
        [v for k in c["kinks"] for v in (k["multiplier"], k["rise"])] + [c["eigenvalue"]]
        for c in (stated, right)
    ]
    near = np.allclose(*numbers, rtol=FLOATING, atol=0)
    near = near and _is_alike(stated["uniqueness"], right["uniqueness"])
    return _answer("critical", None if near else False, stated, right)


def _basin(name, stated, right):
    """The numbers of a basin: what differs first, or how much rounding makes of it."""
    if not isinstance(stated, dict) or stated.keys() != right.keys():
        return equality(name, stated, right)
    for key, value in right.items():
        is_number = isinstance(stated[key], float)
        if not (is_number and np.isclose(stated[key], value, rtol=ROUNDING, atol=0)):
            return Check(name, False, None, f"its {key} is stated {stated[key]}, found {value}")
    return _answer(name, None, stated, right)


def _is_alike(stated, right):
    """Whether two numbers that come from rounding may be of two machines."""
    if stated == right or None in (stated, right):
        return stated == right
    return right <= LOOSE * stated <= LOOSE**2 * right  # neither is negative then


def _flat(value):
    """The numbers of a bound: of a tuple, or the one."""
    return list(value) if isinstance(value, tuple) else [value]


def equality(name, stated, right):
    """The check that passes if both are equal and of one type."""
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
        same = same and _is_alike(one.value, other.value)
        if not same or NUMBER.sub("", one.detail) != NUMBER.sub("", other.detail):
            return Check("checks", False, None, f"stated {tuple(one)}, found {tuple(other)}")
    if len(stated) != len(right):
        return Check("checks", False, None, f"{len(stated)} stated, {len(right)} found")
    return Check("checks", None, None, "some numbers differ")
