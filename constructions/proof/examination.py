"""Checks that a certificate states beside its verdict: the pattern, and truncation."""

import numpy as np

from constructions.proof.certificate import Check
from constructions.verdicts import DIAGNOSTICS, PATTERN
from geomcore.foreign.wording import counted
from geomcore.truncation import step_defect, truncation_steps

TRUNCATED = 1e-8  # share of the size of the data below which a difference counts as none


def pattern_check(enclosure):
    """Whether the activation pattern of the exact network is known, and free of kinks."""
    if enclosure.undecided:
        some = counted(enclosure.undecided, "pre-activation")
        detail = f"{some} may be zero at {enclosure.bits} bits"
        return Check(PATTERN, None, None, detail)
    if enclosure.kinks:
        are = "is" if enclosure.kinks == 1 else "are"
        some = counted(enclosure.kinks, "pre-activation")
        detail = f"{some} {are} exactly zero: the point is on a kink"
        return Check(PATTERN, False, 0.0, detail)
    smallest = min(enclosure.margins, default=np.inf)
    detail = f"no pre-activation is below {smallest:.2g}, at {enclosure.bits} bits"
    return Check(PATTERN, True, smallest, detail)


def truncation_checks(net, X, labels):
    """Whether truncation collapses each class to a point, and represents the network.

    In floating point: no verdict rests on it.
    """
    collapse, identity = DIAGNOSTICS
    worst, scale = None, 0.0
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            for step in truncation_steps(net, X):
                row = step_defect(step)
                if worst is None or not row.defect <= worst.defect:
                    worst = row
                scale = max(scale, float(np.abs(step.output).max()))
    except (ValueError, np.linalg.LinAlgError):
        scale = np.inf
    if not (np.isfinite(scale) and np.isfinite(worst.defect)):
        detail = "the truncation maps do not fit double precision"
        return [Check(collapse, None, None, detail), Check(identity, None, None, detail)]
    detail = f"largest defect {worst.defect:.2g} (layer {worst.layer}, rank {worst.rank})"
    holds = worst.defect <= TRUNCATED * (scale or 1.0)
    checks = [Check(identity, holds, float(worst.defect), detail)]
    if len(net.weights) == 1:
        return [Check(collapse, None, None, "the network has no hidden layer"), *checks]
    last = step.truncated
    _, first = np.unique(labels.index, return_index=True)
    spread = max(
        float(np.abs(last[labels.index == q] - last[row]).max()) for q, row in enumerate(first)
    )
    size = float(np.abs(X - X[0]).max()) or 1.0
    detail = f"largest difference {spread / size:.2g} of the size of the data"
    return [Check(collapse, spread <= TRUNCATED * size, spread / size, detail), *checks]
