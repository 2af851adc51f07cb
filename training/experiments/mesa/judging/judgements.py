"""The claims of an experiment, judged dimension by dimension."""

from training.experiments.judging.verdict import judged
from training.experiments.mesa.judging import claims_mesa, claims_nonneg
from training.experiments.mesa.judging.columns import Columns
from training.experiments.mesa.judging.readings import RULE

BY_PROTOCOL = {"mesa": claims_mesa, "nonneg": claims_nonneg}


def rule_of(name):
    """All that verdicts of an experiment are computed by, with its numbers."""
    return f"{RULE} {BY_PROTOCOL[name].RULE}"


def judgements(found):
    """What the numbers say of each claim.

    Parameters
    ----------
    found : Found

    Returns
    -------
    verdicts, readings : list of dict
        In each dimension: claim, what it is, ``verdict`` and ``reason``; and of each of its
        readings name, whether its source reads it so, answer and numbers. Claims about models that
        were not trained are left out.
    """
    claims, verdicts, told = BY_PROTOCOL[found.protocol.name], [], []
    for d in found.dims:
        columns = Columns(found.rows, d)
        for claim, about in claims.CLAIMS.items():
            if not all(model in columns for model in claims.NEEDS[claim]):
                continue
            own = claims.readings(claim, columns, seed=found.seed)
            verdicts.append({"claim": claim, "d": d, "about": about, **judged(own)._asdict()})
            told += [{"claim": claim, "d": d, **reading._asdict()} for reading in own]
    return verdicts, told
