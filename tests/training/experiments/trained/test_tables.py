"""Tables in words."""

import numpy as np

from training.experiments.trained import tables

ROW = {
    "subset": "0 1 6 4",
    "classes": 4,
    "separable": True,
    "as_written": False,
    "orders": 3,
    "of": 24,
    "order": "4 0 1 6",
    "margin": 0.125,
}
NEVER = ROW | {"subset": "0 1", "classes": 2, "separable": False, "orders": 0, "of": 2, "order": ""}


def test_subsets_are_answered_in_words_and_counted():
    words = tables.subset_words([ROW, NEVER])
    assert list(words[0].values()) == ["0 1 6 4", "yes", "no", "3 of 24", "4 0 1 6", "0.125"]
    assert list(words[1].values())[4:] == ["-", "-"]
    counts = tables.subset_counts([ROW, NEVER, NEVER | {"separable": None}])
    assert [list(row.values()) for row in counts] == [
        ["2", "2", "0", "0", "1", "1"],
        ["4", "1", "1", "0", "0", "0"],
    ]


def test_at_the_head_stand_the_order_of_the_claim_and_the_chosen_digits():
    other = NEVER | {"subset": "0 2"}
    assert tables.shown_subsets([ROW, NEVER, other], (0, 1)) == [ROW, NEVER]
    assert tables.shown_subsets([NEVER, other], (0, 2)) == [other]


def test_verdicts_have_a_column_for_each_loss():
    about = {"claim": "E7", "quantity": "cones", "reason": ""}
    rows = [
        {"claim": "E6", "quantity": "order", "loss": "", "verdict": "holds", "reason": ""},
        about | {"loss": "mse", "verdict": "does not hold"},
        about | {"loss": "cross_entropy", "verdict": "not decided by this evidence"},
    ]
    words = tables.verdict_words(rows, ("mse", "cross_entropy"))
    assert list(words[0]) == ["claim", "what", "verdict", "squared error", "cross-entropy"]
    assert [list(row.values()) for row in words] == [
        ["E6", "order", "holds", "", ""],
        ["E7", "cones", "", "does not hold", "not decided by this evidence"],
    ]


def test_layers_and_classes_are_told_of_the_lowest_rung(found):
    rows = tables.layer_words(found.layers)
    assert len(rows) == 3 * 3 and rows[0]["network"] == "constructed"
    last = next(r for r in rows if (r["network"], r["layer"]) == ("squared error", "2"))
    lowest = {run["start"]: run["threshold"] for run in found.runs if run["loss_name"] == "mse"}
    own = [
        r["condition"]
        for r in found.layers
        if r["loss_name"] == "mse" and r["layer"] == 2 and r["threshold"] == lowest[r["start"]]
    ]
    assert len(own) == 3 and last["condition"] == f"{np.median(own):.2e}"
    assert last["full rank"] == "3 of 3"
    rows = tables.class_words(found.classes)
    assert len(rows) == 3 * 3 * 3
    done = [r for r in rows if r["network"] == "constructed" and r["collapsed"] == "100%"]
    assert len(done) == 3 and all(r["units off"] == "100%" for r in done)


def test_neural_collapse_is_told_from_the_highest_to_the_lowest_rung(found):
    words = tables.neural_words(found.collapse)
    # Two losses; the data, and outputs and truncated data of three hidden layers.
    assert len(words) == 2 * (1 + 2 * 3) and list(words[0])[4:] == list(tables.MEASURES.values())
    ends = []
    for pick in (max, min):
        values = []
        for start in range(3):
            own = [r for r in found.collapse if (r["loss_name"], r["start"]) == ("mse", start)]
            rung = pick(row["threshold"] for row in own)
            values += [
                r["nc1"]
                for r in own
                if (r["threshold"], r["layer"], r["space"]) == (rung, 3, "hidden")
            ]
        assert len(values) == 3
        ends.append(f"{np.median(values):.2g}")
    last = next(r for r in words if (r["layer"], r["of"]) == ("3", "hidden"))
    assert last["loss"] == "squared error" and last["NC1"] == f"{ends[0]} to {ends[1]}"
    assert ends[0] != ends[1] and last["rank"] == "24"
    assert (words[0]["of"], words[0]["rank"]) == ("data", "-")


def test_what_cannot_be_measured_is_a_dash():
    row = dict.fromkeys(tables.MEASURES, np.nan) | {"loss_name": "mse", "layer": 1, "rank": 2.0}
    row |= {"space": "hidden", "start": 0, "threshold": np.inf}
    (words,) = tables.neural_words([row])
    assert words["NC1"] == words["NC4"] == "- to -"
    (words,) = tables.neural_words([row, row | {"start": 1, "nc1": 0.25}])
    assert words["NC1"] == "0.25 to 0.25" and words["rank"] == "2"


def test_networks_stand_beside_each_other(found):
    rows = tables.comparison_words(found.comparison)
    assert [row["network"] for row in rows] == [
        "constructed",
        "squared error, 3 starts",
        "cross-entropy, 3 starts",
    ]
    assert rows[0]["kind"] == "global minimum (proved)"
    assert rows[0]["certified basin"] != "-" == rows[1]["certified basin"]
    noise = tables.noise_words(found.noise)
    assert len(noise) == 3 and noise[0]["0"].endswith("%")
    runs = tables.run_words(found.runs)
    assert len(runs) == 6 and runs[0]["loss"] == "squared error"
    assert len(tables.step_words(found.steps)) == 3


def test_kinds_of_all_starts_are_counted():
    about = {"network": "mse", "loss": 1.0, "accuracy": 1.0, "held_accuracy": 1.0}
    about |= {"margin": 1.0, "condition": 1.0}
    known = {"verdict": "not stationary", "proved": True, "cell_radius": 1e-3, "basin": np.nan}
    other = {"verdict": "local minimum", "proved": True, "cell_radius": 3e-3, "basin": 1e-4}
    none = {"verdict": "", "proved": False, "cell_radius": np.nan, "basin": np.nan}
    rows = [about | {"start": s} | kind for s, kind in enumerate([known, known, other, none])]
    (words,) = tables.comparison_words(rows)
    assert words["kind"] == "not stationary (proved): 2, local minimum (proved): 1, not examined: 1"
    assert (words["cell radius"], words["certified basin"]) == ("1.0e-03", "1.0e-04")
    (words,) = tables.comparison_words(rows[3:])
    assert (words["kind"], words["cell radius"]) == ("not examined", "-")
