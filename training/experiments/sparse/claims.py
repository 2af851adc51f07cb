"""Claims D1 to D5, about norms, penalties and explaining away, read off numbers over seeds."""

import numpy as np

from training.experiments.judging.intervals import LEAST_PAIRS
from training.experiments.judging.verdict import judged
from training.experiments.sparse.measured import GABOR
from training.experiments.sparse.protocol import (
    CONSTRAINED,
    HIGHEST,
    LOOP,
    MIDDLE,
    NAMES,
    PATCHES,
    PENALTIES,
    SYNTHETIC,
)
from training.experiments.sparse.readings import LEAST_LIVE, MOST, SAME, Table, same, share, smaller

CLAIMS = {
    "D1": "with an L1 penalty on activations and free weights the network lowers the penalty by "
    "making its weights smaller",
    "D2": "receptive fields like Gabor functions appear if and only if norms are constrained",
    "D3": "the explaining-away loop has no effect when norms are constrained",
    "D4": "with free norms the loop gives more sparsity, faster, with fewer dead units",
    "D5": "when the penalty is too high, the loop facilitates instead of inhibiting",
}

RULE = f"""Intervals are of means over seeds, 95 %, by bootstrap; a reading needs {LEAST_PAIRS} \
seeds, else it is open, as it is where its interval does not decide. Smaller, fewer: the whole \
interval of the paired difference (of logarithms, where ratios are told) is on that side; no: it \
is on the other side, or nothing differs in any seed (open where all is 0). Fields appear where \
at least {MOST:.0%} of the live units have a Gabor function that explains {GABOR:.0%} of them, at \
the best penalty of those that have as many seeds. Seeds that diverged or have no live unit are \
left out, and so are shares of fewer than {LEAST_LIVE} live units. No effect: the whole interval \
is within {SAME:.0%} of none. Readings of the source are those of patches at the penalty \
{MIDDLE:g} (D5: {HIGHEST:g}) unless they name others. A claim does not hold if one of them says \
no, and is not decided if one is open; otherwise it holds, with a correction if another \
reading says no."""


def verdicts(found):
    """The verdicts on the claims, and their readings.

    Parameters
    ----------
    found : Found

    Returns
    -------
    verdicts, readings : list of dict
    """
    table = Table(found.rows)
    own = {"D1": _shrinks, "D2": _appear, "D3": _nothing, "D4": _more, "D5": _facilitates}
    answers = {claim: reading(table) for claim, reading in own.items()}
    judgements = [
        {"claim": claim, "about": CLAIMS[claim], **judged(rows)._asdict()}
        for claim, rows in answers.items()
    ]
    told = [{"claim": c, **reading._asdict()} for c, rows in answers.items() for reading in rows]
    return judgements, told


def _shrinks(table):
    """D1."""
    found = []
    for data, penalty in [(PATCHES, MIDDLE)] + [
        (d, p) for d in (PATCHES, SYNTHETIC) for p in PENALTIES if (d, p) != (PATCHES, MIDDLE)
    ]:
        about = {"data": data, "treatment": "free"}
        with_, without = (
            {q: table.values(q, **about, penalty=p) for q in ("encoder_norm", "dictionary_norm")}
            for p in (penalty, 0.0)
        )
        is_source = (data, penalty) == (PATCHES, MIDDLE)
        where = f"{data}, penalty {penalty:g}"
        found.append(
            smaller(
                f"the encoder's norms are smaller than without a penalty ({where})",
                with_["encoder_norm"],
                without["encoder_norm"],
                is_source=is_source,
            )
        )
        found.append(
            smaller(
                f"so are the dictionary's ({where})",
                with_["dictionary_norm"],
                without["dictionary_norm"],
                is_source=False,
            )
        )
    name = f"the encoder's norms are smaller with the loop, too (patches, penalty {MIDDLE:g})"
    looped = (
        table.values("encoder_norm", treatment="free", penalty=p, loop=LOOP) for p in (MIDDLE, 0.0)
    )
    found.append(smaller(name, *looped, is_source=False))
    sums, costs = (table.values(q, treatment="free", penalty=MIDDLE) for q in ("sum", "cost"))
    base, weighted = (
        table.values(q, treatment="weighted", penalty=MIDDLE) for q in ("sum", "cost")
    )
    escape = {s: sums[s] / costs[s] if costs[s] else np.nan for s in sums}
    honest = {s: base[s] / weighted[s] if weighted[s] else np.nan for s in base}
    found.append(
        smaller(
            "what is penalised is smaller, for the same activity measured by what it adds to the "
            "reconstruction, than where norms are weighted",
            escape,
            honest,
            is_source=False,
        )
    )
    return found


def _appear(table):
    """D2."""

    def shares(quantity, treatment, loop=0):
        return {
            p: table.values(quantity, treatment=treatment, penalty=p, loop=loop) for p in PENALTIES
        }

    found = [
        share(
            "they appear with unit columns",
            shares("field_gabor", "columns"),
            is_source=True,
            wanted=True,
        ),
        share(
            "they do not with free norms",
            shares("field_gabor", "free"),
            is_source=True,
            wanted=False,
        ),
    ]
    found += [
        share(
            f"they appear with a {NAMES[t]}",
            shares("field_gabor", t),
            is_source=False,
            wanted=True,
        )
        for t in CONSTRAINED
        if t != "columns"
    ]
    for treatment, wanted in (("columns", True), ("free", False)):
        told = "appear" if wanted else "do not appear"
        found.append(
            share(
                f"as columns of the dictionary they {told} with {NAMES[treatment]}",
                shares("atom_gabor", treatment),
                is_source=False,
                wanted=wanted,
            )
        )
        found.append(
            share(
                f"with the loop they {told} with {NAMES[treatment]}",
                shares("field_gabor", treatment, LOOP),
                is_source=False,
                wanted=wanted,
            )
        )
    found.append(
        share(
            "with unit columns they are beyond fields of the same spectrum with random phases",
            shares("field_beyond_phases", "columns"),
            is_source=False,
            wanted=True,
        )
    )
    return found


def _nothing(table):
    """D3."""

    def pairs(data, treatment, penalty):
        names = [("active", "active units", False), ("missed", "error", False)]
        names += [("recovered", "recovery", True)] if data == SYNTHETIC else []
        names += [("field_gabor", "Gabor fields", True)] if data == PATCHES else []
        about = {"data": data, "treatment": treatment, "penalty": penalty}
        return [
            (told, table.values(q, **about, loop=LOOP), table.values(q, **about), is_part)
            for q, told, is_part in names
        ]

    return [
        same(
            f"{data}, {NAMES[treatment]}, penalty {penalty:g}",
            pairs(data, treatment, penalty),
            is_source=(data, treatment, penalty) == (PATCHES, "columns", MIDDLE),
        )
        for data in (PATCHES, SYNTHETIC)
        for treatment in CONSTRAINED
        for penalty in PENALTIES
    ]


def _more(table):
    """D4."""
    found = []
    for data in (PATCHES, SYNTHETIC):
        for penalty in PENALTIES:
            about = {"data": data, "treatment": "free", "penalty": penalty}
            is_source = (data, penalty) == (PATCHES, MIDDLE)
            where = f"{data}, penalty {penalty:g}"
            for quantity, told, ratio in (
                ("active", "fewer units are on", True),
                ("steps_to_sparse", "they are as few after fewer steps", True),
                ("dead", "fewer units are dead", False),
            ):
                one, other = (
                    table.values(quantity, **about, loop=LOOP),
                    table.values(quantity, **about),
                )
                if quantity == "dead":
                    one, other = _some_alive(one, other, table, about)
                name = f"{told} ({where})"
                found.append(smaller(name, one, other, is_source=is_source, ratio=ratio))
            found.append(
                smaller(
                    f"at a smaller error ({where})",
                    table.values("missed", **about, loop=LOOP),
                    table.values("missed", **about),
                    is_source=False,
                )
            )
            followed = table.values("active", **about, loop=LOOP, gamma="follow")
            name = f"fewer units are on with a step that stays stable ({where})"
            found.append(smaller(name, followed, table.values("active", **about), is_source=False))
    return found


def _some_alive(one, other, table, about):
    """Numbers of dead units, without seeds in which neither network has a live one."""
    both = (table.values("live", **about, loop=loop) for loop in (LOOP, 0))
    alive = {s for values in both for s, live in values.items() if live > 0}
    return ({s: v if s in alive else np.nan for s, v in side.items()} for side in (one, other))


def _facilitates(table):
    """D5."""
    found = []
    for data in (PATCHES, SYNTHETIC):
        for penalty in (HIGHEST, PENALTIES[0]):
            is_high = penalty == HIGHEST
            for treatment, interaction, gamma in (
                ("free", "dictionary", "fixed"),
                ("free", "dictionary", "follow"),
                ("free", "learned", "fixed"),
                ("columns", "dictionary", "fixed"),
            ):
                about = {"data": data, "treatment": treatment, "interaction": interaction}
                about |= {"penalty": penalty, "loop": LOOP, "gamma": gamma}
                after, before = (table.values(q, **about) for q in ("sum", "before_loop"))
                # To facilitate is to end higher than it began.
                sides = (before, after) if is_high else (after, before)
                told = "raises" if is_high else "lowers"
                kind = "" if interaction == "dictionary" else ", learned interaction"
                kind += "" if gamma == "fixed" else ", a step that stays stable"
                found.append(
                    smaller(
                        f"at the penalty {penalty:g} the loop {told} the activity ({data}, "
                        f"{NAMES[treatment]}{kind})",
                        *sides,
                        is_source=(data, treatment, kind, is_high) == (PATCHES, "free", "", True),
                        what=(" before", " after") if is_high else (" after", " before"),
                    )
                )
        for treatment in ("free", "columns"):
            helped = table.values(
                "helped", data=data, treatment=treatment, penalty=HIGHEST, loop=LOOP
            )
            found.append(
                share(
                    f"at the penalty {HIGHEST:g} most units that are on are raised by the others "
                    f"({data}, {NAMES[treatment]})",
                    {HIGHEST: helped},
                    is_source=False,
                    wanted=True,
                    of="those",
                )
            )
    return found
