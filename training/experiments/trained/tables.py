"""The tables of a survey in words, for pages and terminals."""

from collections import Counter

import numpy as np

from training.experiments.trained.beside import CONSTRUCTED
from training.experiments.trained.verdicts import by_run

NAMES = {"mse": "squared error", "cross_entropy": "cross-entropy", "constructed": "constructed"}
# Measures of `training.neural_collapse` and what tables call them.
MEASURES = {
    "nc1": "NC1",
    "nc2_norms": "NC2 norms",
    "nc2_angles": "NC2 angles",
    "nc2_simplex": "NC2 simplex",
    "nc3": "NC3",
    "nc4": "NC4",
}
ANSWERS = {True: "yes", False: "no", None: "open"}


def number(value, form="{:.2e}"):
    """A number in words; a dash where there is none.

    Examples
    --------
    >>> number(0.00123), number(np.nan), number(12, "{:.0f}")
    ('1.23e-03', '-', '12')
    """
    return "-" if value != value else form.format(value)


def verdict_words(rows, losses):
    """Verdicts as strings by column: of what no loss has a part in, and of each loss.

    Parameters
    ----------
    rows : list of dict
        Of `training.experiments.trained.judgements.judgements`.
    losses : sequence of str

    Returns
    -------
    list of dict
    """
    found = {}
    for row in rows:
        told = found.setdefault((row["claim"], row["quantity"]), {})
        told[row["loss"]] = row["verdict"]
    columns = {"": "verdict"} | {loss: NAMES[loss] for loss in losses}
    return [
        {"claim": claim, "what": what}
        | {column: told.get(loss, "") for loss, column in columns.items()}
        for (claim, what), told in found.items()
    ]


def subset_words(rows):
    """Rows of `subset_rows` as strings by column."""
    return [
        {
            "digits": row["subset"],
            "sequentially separable": ANSWERS[row["separable"]],
            "in the order written": ANSWERS[row["as_written"]],
            "orders that serve": f"{row['orders']} of {row['of']}",
            "an order": row["order"] or "-",
            "margin at least": number(row["margin"], "{:.3g}") if row["separable"] else "-",
        }
        for row in rows
    ]


def shown_subsets(rows, chosen):
    """The rows of the claim's order and of the chosen digits, for the head of a page."""
    wanted = {str(q) for q in chosen}
    first = [row for row in rows[:1] if row["classes"] > 2]
    return first + [r for r in rows[len(first) :] if set(r["subset"].split()) <= wanted]


def subset_counts(rows):
    """How many subsets of each size are sequentially separable, as strings by column."""
    found = []
    for size in sorted({row["classes"] for row in rows}):
        own = [row for row in rows if row["classes"] == size]
        found.append(
            {
                "classes": str(size),
                "subsets": str(len(own)),
                "sequentially separable": str(sum(r["separable"] is True for r in own)),
                "in every order": str(sum(r["orders"] == r["of"] for r in own)),
                "not": str(sum(r["separable"] is False for r in own)),
                "open": str(sum(r["separable"] is None for r in own)),
            }
        )
    return found


def step_words(rows):
    """Rows of `step_rows` as strings by column."""
    return [
        {
            "step": str(row["step"]),
            "digit": str(row["digit"]),
            "against": row["against"],
            "images": f"{row['points']:,}",
            "separable": ANSWERS[row["separable"]],
            "margin": number(row["margin"], "{:.4g}"),
        }
        for row in rows
    ]


def layer_words(rows):
    """The layers of each network on the lowest rung, medians over starts, strings by column."""
    found = []
    names = list(dict.fromkeys(row["loss_name"] for row in rows))
    for name in names:
        own = [
            r for run in by_run([r for r in rows if r["loss_name"] == name]).values() for r in run
        ]
        for layer in sorted({row["layer"] for row in own}):
            part = [row for row in own if row["layer"] == layer]

            def middle(key, part=part):
                return float(np.median([row[key] for row in part]))

            full = sum(row["is_cone"] for row in part)
            ranks = {p: sorted({row[f"rank_{p}"] for row in part}) for p in ("double", "single")}
            found.append(
                {
                    "network": NAMES[name],
                    "layer": str(layer),
                    "width": str(part[0]["width"]),
                    "full rank": f"{full} of {len(part)}",
                    **{f"rank, {p}": _span(ends) for p, ends in ranks.items()},
                    "condition": number(middle("condition")),
                    "defect": number(middle("defect_double"), "{:.0e}"),
                    "defect, single": number(middle("defect_single"), "{:.1e}"),
                    "aperture": number(np.degrees(middle("aperture")), "{:.1f}°"),
                    "base": number(middle("base_distance"), "{:.3g}"),
                }
            )
    return found


def class_words(rows):
    """What the layers of each network do to the digits, on the lowest rung, strings by column."""
    found = []
    for name in dict.fromkeys(row["loss_name"] for row in rows):
        own = [
            r for run in by_run([r for r in rows if r["loss_name"] == name]).values() for r in run
        ]
        for layer, q in sorted({(row["layer"], row["class"]) for row in own}):
            part = [row for row in own if (row["layer"], row["class"]) == (layer, q)]

            def mean(key, part=part):
                return float(np.mean([row[key] for row in part]))

            found.append(
                {
                    "network": NAMES[name],
                    "layer": str(layer),
                    "digit": str(q),
                    "collapsed": f"{mean('backward'):.0%}",
                    "left alone": f"{mean('forward'):.0%}",
                    "onto a face": f"{mean('mixed'):.0%}",
                    "units off": f"{mean('off'):.0%}",
                    "off for all of it": number(mean("units_off"), "{:.1f}"),
                    "spread": number(float(np.median([r["spread"] for r in part])), "{:.3g}"),
                }
            )
    return found


def neural_words(rows):
    """Neural collapse on the highest and the lowest rung of each run, strings by column.

    Parameters
    ----------
    rows : list of dict
        ``collapse`` of `training.experiments.trained.survey.Findings`.

    Returns
    -------
    list of dict
        For each loss, layer and space medians over the starts that have a number.
    """
    found = []
    for name in dict.fromkeys(row["loss_name"] for row in rows):
        own = [row for row in rows if row["loss_name"] == name]
        ends = [[r for run in by_run(own, pick).values() for r in run] for pick in (max, min)]
        for layer, space in dict.fromkeys((row["layer"], row["space"]) for row in own):
            parts = [[r for r in end if (r["layer"], r["space"]) == (layer, space)] for end in ends]
            ranks = _span(sorted({int(row["rank"]) for row in parts[1]})) if layer else "-"
            told = {"loss": NAMES[name], "layer": str(layer), "of": space, "rank": ranks}
            for key, word in MEASURES.items():
                told[word] = " to ".join(number(_median_of_known(p, key), "{:.2g}") for p in parts)
            found.append(told)
    return found


def run_words(rows):
    """The runs as strings by column."""
    return [
        {
            "loss": NAMES[row["loss_name"]],
            "start": str(row["start"]),
            "steps": f"{row['steps']:,}",
            "stopped by": row["stop_reason"],
            "lowest rung": number(row["threshold"], "{:.0e}") if row["threshold"] < np.inf else "-",
            "at step": f"{row['step']:,}",
        }
        for row in rows
    ]


def comparison_words(rows):
    """Constructed beside trained, strings by column; of the trained ones medians over starts."""
    found = []
    for name in dict.fromkeys(row["network"] for row in rows):
        own = [row for row in rows if row["network"] == name]

        def middle(key, own=own):
            return float(np.median([row[key] for row in own]))

        many = name != CONSTRUCTED and len(own) > 1
        found.append(
            {
                "network": NAMES[name] + (f", {len(own)} starts" if many else ""),
                "loss": number(middle("loss")),
                "accuracy": number(middle("accuracy"), "{:.2%}"),
                "held out": number(middle("held_accuracy"), "{:.2%}"),
                "margin": number(middle("margin"), "{:.1e}"),
                "condition": number(middle("condition"), "{:.1e}"),
                "kind": _kinds(own),
                "cell radius": number(_median_of_known(own, "cell_radius"), "{:.1e}"),
                "certified basin": number(_median_of_known(own, "basin"), "{:.1e}"),
            }
        )
    return found


def _kinds(rows):
    """The verdicts on some networks, with how many have each, unless it is one network."""
    told = Counter(
        (row["verdict"] or "not examined") + " (proved)" * bool(row["proved"]) for row in rows
    )
    if len(rows) == 1:
        return next(iter(told))
    return ", ".join(f"{kind}: {count}" for kind, count in told.most_common())


def _median_of_known(rows, key):
    """The median of the values that are known; nan if none is."""
    known = [row[key] for row in rows if not np.isnan(row[key])]
    return float(np.median(known)) if known else np.nan


def noise_words(rows):
    """Accuracy under noise, a row for each network, strings by column."""
    found = []
    for name in dict.fromkeys(row["network"] for row in rows):
        own = [row for row in rows if row["network"] == name]
        noises = sorted({row["noise"] for row in own})
        means = {
            f"{noise:g}": np.mean([r["accuracy"] for r in own if r["noise"] == noise])
            for noise in noises
        }
        found.append({"network": NAMES[name]} | {k: f"{value:.1%}" for k, value in means.items()})
    return found


def _span(ends):
    return str(ends[0]) if len(ends) == 1 else f"{ends[0]} to {ends[-1]}"
