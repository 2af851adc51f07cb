"""What the readings of a claim add up to: the four verdicts.

A reading is one way to make a claim a statement about numbers: with the scalar and the threshold
of its source, or with another one. Each is answered yes, no, open or size.
"""

from typing import NamedTuple

from training.experiments.judging.intervals import LEAST_PAIRS
from training.output.verdicts import CORRECTED, FAILS, HOLDS, UNDECIDED, Verdict

YES, NO, OPEN = "yes", "no", "open"
SIZE = "size"
TOO_FEW = "too few runs"


class Reading(NamedTuple):
    """One way to read a claim, and the answer.

    Attributes
    ----------
    name : str
    is_source : bool
        Whether its source reads it so.
    answer : {"yes", "no", "open", "size"}
        "size": the effect is there, but not as large, or as small, as is claimed.
    told : str
        The numbers.
    """

    name: str
    is_source: bool
    answer: str
    told: str


def too_few(needed=LEAST_PAIRS, *, runs=0, which="that did not collapse"):
    """What is told of a reading for which there is hardly a run, or none."""
    return f"{TOO_FEW} {which} ({runs}; {needed} are needed)"


def both(*answers):
    """The answer to several questions at once."""
    if NO in answers:
        return NO
    if OPEN in answers:
        return OPEN
    return SIZE if SIZE in answers else YES


def judged(readings, *, beyond=""):
    """The verdict on a claim.

    It does not hold if a reading of its source says no, and is not decided if one is open. If they
    say yes, it holds, unless another reading says no, or a size is another: then it holds with a
    correction.

    Parameters
    ----------
    readings : sequence of Reading
        At least one of the source.
    beyond : str
        Where the claim does not hold, what else says yes is told after these words; "": it is not.

    Returns
    -------
    Verdict

    Examples
    --------
    >>> yes, no = Reading("a", True, YES, "0.3"), Reading("b", False, NO, "0")
    >>> judged([yes]).verdict, judged([yes, no]).verdict
    ('holds', 'holds with a correction')
    """
    own = [reading for reading in readings if reading.is_source]
    others = [reading for reading in readings if not reading.is_source]
    if not own:
        raise ValueError("readings must have one of the source, got none")
    answer = both(*(reading.answer for reading in own))
    if answer in (NO, OPEN):
        verdict = FAILS if answer == NO else UNDECIDED
        against = [reading for reading in own if reading.answer == answer]
        told = {reading.told for reading in against}
        if len(told) == 1 and against[0].told.startswith(TOO_FEW):
            return Verdict(verdict, against[0].told)
        others = [reading for reading in others if reading.answer == YES]
        is_told = beyond and others and verdict == FAILS
        rest = f". {beyond}: {_told(others)}" if is_told else ""
        return Verdict(verdict, f"{_told(against)}{rest}")
    against = [reading for reading in readings if reading.answer in (NO, SIZE)]
    left = [reading for reading in others if reading.answer == OPEN]
    told = _told(own)
    if against:
        told = f"{told}; but {_told([r for r in against if r not in own])}".removesuffix("; but ")
    if left:
        told = f"{told}; open: {', '.join(reading.name for reading in left)}"
    return Verdict(CORRECTED if against else HOLDS, told)


def _told(readings):
    return "; ".join(f"{r.name}: {r.answer}, {r.told}" for r in readings)
