"""The tables of the sparse coding experiment, in numbers and for people."""

import numpy as np

from training.experiments.judging.spread import spread_of
from training.experiments.sparse.baselines import LEARNED, TOP
from training.experiments.sparse.measured import GABOR
from training.experiments.sparse.protocol import (
    DATA,
    NAMES,
    PATCHES,
    PENALTIES,
    PIXELS,
    SYNTHETIC,
)
from training.experiments.sparse.survey import DIRECTIONS, FOLLOW, LEARNED_LOOP, POINTS

WORDS = {
    "missed": "error",
    "active": "units on",
    "dead": "dead",
    "dictionary_norm": "dictionary norm",
    "encoder_norm": "encoder norm",
    "encoder_idle": "idle part of it",
    "coherence": "coherence",
    "loop_factor": "activity, after loop / before",
    "step": "step",
    "step_limit": "largest stable step",
    "field_gabor": "Gabor fields",
    "field_r2": "fields: median R²",
    "atom_gabor": "Gabor columns",
    "recovered": "recovery",
    "found": "columns found",
}
OF = {
    PATCHES: ("missed", "active", "dead", "dictionary_norm", "encoder_norm", "encoder_idle")
    + ("coherence", "loop_factor", "step", "step_limit", "field_gabor", "field_r2", "atom_gabor"),
    SYNTHETIC: ("missed", "active", "dead", "dictionary_norm", "encoder_norm", "coherence")
    + ("loop_factor", "step", "step_limit", "recovered", "found"),
}
OF_BASELINES = ("missed", "active", "dead", "coherence", "atom_gabor", "atom_r2")
PARTS = ("missed", "active", "encoder_idle", "field_gabor", "atom_gabor", "found")
ABOUT = f"""Error: squared error of 2,000 points that are held out, as a part of their squares. \
Units on: part of the units, mean over these points; dead: units on at none of them. Norms: means \
over columns or rows, of the latter what is left when their means are subtracted, on which patches \
of mean 0 do not act; idle part: how much of the squares of the encoder these means are. \
Coherence: the largest |cosine| of two columns. Step: of the loop; largest stable one: by the \
dictionary at the end. Gabor fields: part of the live units whose row of the encoder is explained \
to {GABOR:.0%} by a Gabor function. Learned: a loop with a matrix of its own; follow: the step of \
the loop is half of what is stable all the time, else at the start."""


def loop_in_words(row):
    """The loop of a row: 0, or its steps, with the kind of interaction or step size."""
    if row["interaction"] == LEARNED_LOOP:
        return f"{row['loop']} learned"
    return f"{row['loop']} {row['gamma']}" if row["gamma"] == FOLLOW else str(row["loop"])


def means(found, data):
    """A row per autoencoder of one kind of data: means over seeds.

    Parameters
    ----------
    found : Found
    data : {"patches", "synthetic"}

    Returns
    -------
    list of dict
        ``treatment``, ``penalty``, ``loop``, ``interaction``, ``gamma``, ``seeds``, ``diverged``,
        and `Spread` by quantity, None where no seed has a number.
    """
    groups = {}
    for row in found.rows:
        if row["data"] == data:
            groups.setdefault(row["name"], []).append(row)
    told = []
    for own in groups.values():
        kept = [row for row in own if not row["diverged"]]
        about = {k: own[0][k] for k in ("treatment", "penalty", "loop", "interaction", "gamma")}
        about |= {"seeds": len(own), "diverged": len(own) - len(kept)}
        told.append(about | {key: spread_of(row[key] for row in kept) for key in OF[data]})
    return told


def overview(rows, data):
    """The rows of `means` for people."""
    is_odd = any(row["diverged"] for row in rows)
    return [
        {
            "norms": NAMES[row["treatment"]],
            "penalty": f"{row['penalty']:g}",
            "loop": loop_in_words(row),
            **({"diverged": str(row["diverged"])} if is_odd else {}),
            **{WORDS[key]: _in_words(key, row[key]) for key in OF[data]},
        }
        for row in rows
    ]


def baselines(found):
    """What others do with the patches, for people."""
    told = []
    for method in (LEARNED, TOP):
        for penalty in PENALTIES:
            own = [
                row
                for row in found.baselines
                if (row["method"], row["penalty"]) == (method, penalty)
            ]
            words = WORDS | {"atom_r2": "columns: median R²"}
            told.append(
                {"method": method, "penalty": f"{penalty:g}"}
                | {
                    words[key]: _in_words(key, spread_of(r[key] for r in own))
                    for key in OF_BASELINES
                }
            )
    return told


def biases(found):
    """Dead units with and without a bias of the dictionary that starts at the mean, for people."""
    told = []
    for penalty in PENALTIES:
        dead = {
            bias: {
                row["seed"]: row["dead"]
                for row in found.rows
                if (row["data"], row["penalty"], row["decoder_bias"]) == (PIXELS, penalty, bias)
                and not row["diverged"]
            }
            for bias in ("mean", "none")
        }
        seeds = sorted(dead["mean"].keys() & dead["none"].keys())
        change = [dead["mean"][s] - dead["none"][s] for s in seeds]
        told.append(
            {
                "penalty": f"{penalty:g}",
                "dead, bias at the mean": _in_words("dead", spread_of(dead["mean"].values())),
                "dead, no bias": _in_words("dead", spread_of(dead["none"].values())),
                "difference": _in_words("dead", spread_of(change)),
            }
        )
    return told


def chance(found):
    """Recovery where nothing is learned, for people: of all seeds together."""
    told = []
    for kind in (DIRECTIONS, POINTS):
        own = [row for row in found.chance if row["columns"] == kind]
        recovered, parts = ([row[key] for row in own] for key in ("recovered", "found"))
        told.append(
            {
                "columns": kind,
                "number": f"{len(own):,}",
                "mean recovery": f"{np.mean(recovered):.3f}",
                "95 % have at most": f"{np.quantile(recovered, 0.95):.3f}",
                "largest": f"{max(recovered):.3f}",
                "found": f"{np.mean(parts):.1%}",
            }
        )
    return told


def nulls(found):
    """Gabor fits of fields that are none, for people."""
    return [
        {
            "fields": kind,
            "number": f"{len(r2):,}",
            "median R²": f"{np.median(r2):.3f}",
            "95 % have at most": f"{np.quantile(r2, 0.95):.3f}",
            f"above {GABOR:g}": f"{np.mean(r2 > GABOR):.1%}",
        }
        for kind, r2 in found.nulls.items()
    ]


def on_screen(found):
    """The columns for which a terminal has room, of both kinds of data."""
    shown = {
        PATCHES: ("norms", "penalty", "loop", "error", "units on", "dead", "Gabor fields"),
        SYNTHETIC: ("norms", "penalty", "loop", "error", "units on", "dead", "recovery"),
    }
    return {
        data: [
            {name: row[name].split(" (")[0] for name in shown[data]}
            for row in overview(means(found, data), data)
        ]
        for data in DATA
    }


def _in_words(key, value):
    if value is None:
        return "-"
    return value.told("{:.1%}" if key in PARTS else "{:.1f}" if key == "dead" else "{:.3g}")
