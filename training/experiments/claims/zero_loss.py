"""Claim E1: each of the four types of data has an explicit network with zero loss."""

from constructions import construct, verify
from geomcore import datasets
from training.experiments.claims.works import TYPES
from training.experiments.judging.verdict import OPEN, YES, Reading

GLOBAL = "global minimum"


def zero_losses(draws, *, seed=0, told=None):
    """Construct and verify a network for several draws of each type of data.

    Parameters
    ----------
    draws : int
        Of each type.
    seed : int
        Of the first draw; the others follow it.
    told : callable, optional
        Called with the name of each data set.

    Returns
    -------
    list of dict
        ``type``, ``data``, ``seed``, ``method``, ``verdict``, ``proved``, ``loss_bound``: that
        the loss of the exact network next to the stored one is zero is proved where the verdict is
        a proved global minimum of lower bound 0.
    """
    rows = []
    for letter, name in TYPES.items():
        if told is not None:
            told(f"zero loss, type ({letter})")
        for k in range(draws):
            data = getattr(datasets, name)(rng=seed + k)
            made = construct(data.X, data.y)
            found = verify(made.network, data.X, data.y)
            about = {"type": letter, "data": name, "seed": seed + k, "method": made.method}
            proof = {"verdict": found.verdict, "proved": found.proved}
            rows.append({**about, **proof, "loss_bound": found.loss_bound})
    return rows


def zero_loss_readings(rows):
    """The readings of E1, one for each type of data.

    Parameters
    ----------
    rows : list of dict
        Of `zero_losses`.

    Returns
    -------
    list of Reading
        "yes" where all networks are proved, "open" else: that a construction fails refutes nothing.
    """
    readings = []
    for letter, name in TYPES.items():
        own = [row for row in rows if row["type"] == letter]
        done = [row for row in own if row["proved"] and row["verdict"] == GLOBAL]
        told = f"zero loss proved for {len(done)} of {len(own)} draws"
        answer = YES if own and len(done) == len(own) else OPEN
        readings.append(Reading(f"type ({letter}), {name.replace('_', ' ')}", True, answer, told))
    return readings
