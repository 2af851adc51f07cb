"""The four verdicts on a claim that experiments write, each with its reason."""

from typing import NamedTuple

HOLDS, CORRECTED = "holds", "holds with a correction"
FAILS, UNDECIDED = "does not hold", "not decided by this evidence"
VERDICTS = (HOLDS, CORRECTED, FAILS, UNDECIDED)


class Verdict(NamedTuple):
    """What the numbers say of a claim.

    Attributes
    ----------
    verdict : str
        One of `VERDICTS`.
    reason : str
        With the numbers that it rests on.
    """

    verdict: str
    reason: str
