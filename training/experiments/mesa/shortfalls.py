"""What a mesa experiment lacks for its claims: seeds in which training worked, and epochs."""

from geomcore.foreign.wording import counted
from training.experiments.judging.intervals import LEAST_PAIRS
from training.experiments.judging.verdict import UNDECIDED
from training.experiments.mesa.judging.columns import Columns
from training.experiments.mesa.judging.judgements import BY_PROTOCOL
from training.output.alt import listed

USUAL = 30  # seeds, of the commands


def shortfalls(found, verdicts, *, epochs):
    """Sentences on what is too little; none if nothing is.

    Parameters
    ----------
    found : Found
    verdicts : list of dict
        As of `judgements`.
    epochs : int
        At most, of the runs.

    Returns
    -------
    list of str
    """
    told = []
    dims = [d for d in found.dims if _is_short(found, verdicts, d)]
    if dims:
        told.append(_of_pairs(found, dims))
    usual = found.protocol.epochs
    if epochs < usual:
        told.append(f"Trained for {counted(epochs, 'epoch')} at most; the source has {usual}.")
    return told


def _is_short(found, verdicts, d):
    """Whether nothing is decided in a dimension, and no claim has the pairs for it."""
    own, columns = [row for row in verdicts if row["d"] == d], Columns(found.rows, d)
    needs = BY_PROTOCOL[found.protocol.name].NEEDS
    return bool(own) and all(
        row["verdict"] == UNDECIDED and len(columns.trained(*needs[row["claim"]])) < LEAST_PAIRS
        for row in own
    )


def _of_pairs(found, dims):
    rows = [row for row in found.rows if row["d"] in dims and row["model"] in found.models]
    out = [row for row in rows if row["collapsed"]]
    positive = sum(row["w3_start"] > 0 for row in out)
    where = "" if len(dims) == len(found.dims) else f" in d = {listed(list(map(str, dims)))}"
    told = f"{len(out)} of {counted(len(rows), 'run')}{where} collapsed"
    told += f" (of those, {positive} started with w3 > 0)" if out else ""
    more = f"--seeds {USUAL}" if found.seeds < USUAL else f"more than --seeds {found.seeds}"
    return (
        f"{told}; fewer than {LEAST_PAIRS} pairs are left: nothing is decided{where}; use {more}."
    )
