"""Tables of an experiment."""

import numpy as np
import pytest

from training.experiments.judging.intervals import mean_interval
from training.experiments.judging.spread import spread_of
from training.experiments.mesa import tables
from training.experiments.mesa.judging.columns import Columns
from training.experiments.mesa.protocol import NONNEG
from training.experiments.mesa.published import HEADS, PENALISED, PENALTIES

# By hand


def test_the_table_of_the_first_source_has_its_numbers_beside_ours(found):
    rows = tables.heads(found)
    assert [row["quantity"] for row in rows] == [name for name, *_ in HEADS]
    told = next(row for row in rows if row["quantity"].startswith("flat test points"))
    assert (told["Lp, published"], told["Linear, published"]) == ("31.7%", "3.0%")
    values = Columns(found.rows, 2).values("head_points_1", "linear")[:, 0]
    runs = f"{len(values)} runs"
    assert told[f"Linear, here ({runs})"].startswith(f"{np.median(values):.1%} (")


def test_the_table_of_the_second_source_has_two_rows_for_what_it_has(found):
    rows = tables.penalties(found._replace(protocol=NONNEG))
    kept = {m: len(Columns(found.rows, 2).trained(m)) for m in found.models}
    assert min(kept.values()) > 1
    assert [(row["model"], row["numbers"]) for row in rows] == [
        ("Lp, p = 1", "published"),
        ("Lp, p = 1", f"here, {kept['lp']} runs"),
        ("Linear", "published"),
        ("Linear", f"here, {kept['linear']} runs"),
    ]
    assert rows[0]["flat < 1"] == "33.7%" and rows[2]["w < 0 mean"] == "-0.4515"
    assert all(len(numbers) == len(PENALTIES) for numbers in PENALISED.values())


def test_median_and_quartiles(rows_of):
    columns = Columns(rows_of("a", [0.0, 0.1, 0.2, 0.3, 1.0]), 2)
    assert tables.middle(columns, "head_points_1", "a", "{:.1f}") == "0.2 (0.1 to 0.3)"
    few = Columns(rows_of("a", [0.0, 0.1, 0.2, 0.3]), 2)
    assert tables.middle(few, "head_points_1", "a", "{:.2f}") == "0.15 (0.00, 0.10, 0.20, 0.30)"
    one = Columns(rows_of("a", [0.5]), 2)
    assert tables.middle(one, "head_points_1", "a", "{:.1f}") == "0.5"
    assert tables.middle(columns, "head_points_1", "b", "{:.1f}") == "-"
    assert tables.middle(columns, "nothing", "a", "{:.1f}") == "-"


def test_collapsed_runs_are_counted_by_the_sign_of_the_last_weight(found):
    rows = [dict(row) for row in found.rows if row["d"] == 2]
    for row in rows:
        row["w3_start"] = 1.0 if row["seed"] == 3 else -1.0
        row["collapsed"] = row["seed"] == 3
        row["accuracy"] = row["majority"] if row["model"] == "lp" else 0.5
    told = tables.collapses(found._replace(rows=rows, dims=(2,)))
    assert [row["model"] for row in told] == ["Lp, p = 1", "Linear"]
    for row, alike in zip(told, ("1 of 1", "0 of 1"), strict=True):
        assert row["w3 > 0 at the start"] == "1 of 1 collapsed"
        assert row["w3 < 0 at the start"] == "0 of 2 collapsed"
        assert row["of these at the majority rate"] == alike


def test_the_overview_leaves_collapsed_runs_out_of_its_means(found):
    rows = [dict(row) for row in found.rows if row["d"] == 2]
    for row in rows:
        row["collapsed"] = row["seed"] == 3 and row["model"] == "linear"
        row["head_area_1"] = 1.0 if row["seed"] == 3 else 0.25
    told = {row["model"]: row for row in tables.overview(found._replace(rows=rows, dims=(2,)))}
    assert told["Linear"]["collapsed"] == "1 of 3" and told["Linear"]["head: area < 1"] == "25.0%"
    assert told["Lp, p = 1"]["collapsed"] == "0 of 3"
    assert told["Lp, p = 1"]["head: area < 1"] == "50.0%"
    # A flipped network is kept with the one that was flipped, whatever became of it.
    assert told["Linear, flipped"]["collapsed"] == "0 of 3"
    assert told["Linear, flipped"]["kept"] == told["Linear"]["kept"] == "2"
    assert told["Linear, flipped"]["head: area < 1"] == "25.0%"


def test_networks_that_collapse_by_the_flip_are_counted_and_kept(found):
    rows = [dict(row) for row in found.rows if row["d"] == 2]
    for row in rows:
        row["collapsed"] = row["model"] == "flipped" or row["seed"] == 3
        row["head_area_1"] = 1.0 if row["model"] == "flipped" else 0.25
    found = found._replace(rows=rows, dims=(2,))
    told = {row["model"]: row for row in tables.overview(found)}
    assert told["Linear, flipped"]["collapsed"] == "3 of 3"
    assert told["Linear, flipped"]["kept"] == "2"
    assert told["Linear, flipped"]["head: area < 1"] == "100.0%"
    rows = tables.comparison_rows(tables.comparisons(found))
    compared = {(r["model"], r["quantity"]): r for r in rows}
    row = compared["flipped", "head_area_1"]
    assert row["difference"] == 0.75 and row["pairs"] == 2


def test_runs_that_end_with_a_negative_last_weight_are_told_apart(found):
    rows = [dict(row) for row in found.rows if row["d"] == 2]
    for row in rows:
        row |= {"collapsed": False, "w3": 1.0 if row["seed"] == 3 else -1.0}
        row["head_area_1"] = 0.0 if row["seed"] == 3 else 0.5
    found = found._replace(rows=rows, dims=(2,))
    for falling, mean in ((False, "33.3%"), (True, "50.0%")):
        for row in tables.overview(found, falling=falling):
            assert row["w3 < 0"] == "2" and row["head: area < 1"] == mean


def test_comparisons_are_paired_by_seed(found):
    rows = tables.comparison_rows(tables.comparisons(found))
    assert {(row["d"], row["model"]) for row in rows} == {
        (d, m) for d in (2, 3) for m in ("lp", "flipped")
    }
    row = next(r for r in rows if (r["d"], r["model"], r["quantity"]) == (2, "lp", "accuracy"))
    columns = Columns(found.rows, 2)
    differences = [
        columns.row("lp", s)["accuracy"] - columns.row("linear", s)["accuracy"]
        for s in columns.trained("lp", "linear")
    ]
    expected = mean_interval(differences, seed=found.seed)
    assert (row["difference"], row["low"], row["high"], row["pairs"]) == expected


def compared(values, quantity="head_area_1", p=1.0):
    return tables.Comparison(2, "lp", quantity, spread_of(values), p)


def test_comparisons_in_words():
    (told,) = tables.comparison_words([compared([0.25] * 7, p=0.01)])
    assert told["head, area < 1"] == "+25.0 (+25.0 to +25.0) *" and told["pairs"] == "7"
    (told,) = tables.comparison_words([compared([0.5, -0.25])])
    assert told["head, area < 1"] == "+12.5 (+50.0, -25.0)" and told["pairs"] == "2"
    (told,) = tables.comparison_words([compared([0.25])])
    assert told["head, area < 1"] == "+25.0"
    (told,) = tables.comparison_words([compared([])])
    assert told["head, area < 1"] == "-" and told["pairs"] == "0"
    (row,) = tables.comparison_rows([compared([])])
    assert row["pairs"] == 0 and np.isnan(row["difference"])


def test_pairs_are_told_from_fewest_to_most():
    keys = {"accuracy": 14, "head_area_relative": 10, "logit_area_relative": 12}
    rows = [compared([0.25] * pairs, key) for key, pairs in keys.items()]
    assert [told["pairs"] for told in tables.comparison_words(rows)] == ["10 to 14"]
    assert [told["pairs"] for told in tables.comparison_words(rows[1:2])] == ["10"]


@pytest.mark.parametrize("model", ["lp", "linear", "flipped", "negative-0.5", "hard"])
def test_models_have_names(model):
    assert tables.name_of(model) != model
