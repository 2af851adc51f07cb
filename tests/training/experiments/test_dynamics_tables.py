"""Tables of truncation dynamics."""

import numpy as np
import pytest

from training.dynamics.dependence import rate_dependence
from training.experiments.dynamics import QUANTITIES, survey
from training.experiments.dynamics_starts import draws
from training.experiments.dynamics_tables import course, in_words, models, verdict_rows


@pytest.fixture(scope="module")
def found():
    return survey(draws(3, points=8, radius=0.15, seed=0), (0.25, 0.75), steps=100, seed=0)


def test_there_is_a_row_for_each_fraction_with_medians_over_seeds(found):
    told = in_words(found)
    assert [row["truncated"] for row in told] == ["25%", "75%"]
    rates = [row["spread_rate"] for row in found.rows if row["fraction"] == 0.25]
    assert told[0]["rate"] == f"{np.median(rates):.3g}" and told[0]["rank"] == "3 of 3"
    assert told[0]["of the seeds"] == f"{min(rates):.2g} to {max(rates):.2g}"


def test_what_is_not_known_is_a_dash(found):
    rows = [row | {"base_rate": np.nan} for row in found.rows]
    assert {row["base point"] for row in in_words(found._replace(rows=rows))} == {"-"}
    none = rate_dependence(np.full((2, 2), np.nan), [0.0, 1.0])
    unknown = found._replace(rows=rows, dependence=dict.fromkeys(QUANTITIES, none))
    for row in [*in_words(unknown), *models(unknown)]:
        assert all(isinstance(value, str) and "nan" not in value for value in row.values()), row


def test_both_models_of_each_quantity_stand_side_by_side(found):
    sides = models(found)
    assert [row["rate of"] for row in sides[::2]] == list(QUANTITIES.values())
    assert {row["model"] for row in sides[1::2]} == {"no dependence"}
    changes = [row["model"].removeprefix("rate changes ") for row in sides[::2]]
    assert changes == ["with the fraction", "with the fraction", "along the run"]
    assert sides[0]["slope"] == f"{found.dependence['spread'].slope:.3g}"
    assert sides[1]["slope"] == "0" and sides[1]["95 % interval"] == "-"


def test_each_quantity_has_a_row_with_its_verdict(found):
    table = verdict_rows(found)
    assert [row["verdict"] for row in table] == [found.verdicts[key].verdict for key in QUANTITIES]
    assert {row["claim"] for row in table} == {"E5"} and table[0]["seeds"] == 3
    assert table[0]["low"] == found.dependence["spread"].low


def test_the_course_has_a_row_for_each_record_of_each_run(found):
    table = course(found)
    assert len(table) == sum(2 * len(times) for times in found.times)
    last = table[(table.seed == 1) & (table.fraction == 0.75)].iloc[-1]
    assert last.spread == found.rows[3]["spread_end"] and last.time == found.times[1][-1]
    assert set(table["class"]) == {0}
