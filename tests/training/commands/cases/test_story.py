"""The page about data sets: what it says, and that it escapes what it is given."""

import dataclasses

import numpy as np
import pytest

from constructions import ConstructionError
from geomcore.datasets.dataset import Dataset
from geomcore.network import ReLUNetwork
from training.commands.cases.case import Case
from training.commands.cases.story import page
from training.output.folder import Picture

RECORD = {"seed": 3, "started": "today", "python": "3.11", "versions": {"numpy": "2", "x": None}}
X = np.array([[0.0, 0.0], [0.2, 0.1], [3.0, 0.1], [3.1, 0.0]])
DATA = Dataset(X, np.array(["a", "a", "b", "b"]), "pairs", {})


def solved_case():
    case = Case(DATA)
    case.construct("sequential")
    case.verify()
    return case


# By hand


def test_page_says_what_is_proved_and_how_large_the_network_is():
    case = solved_case()
    text = page("Pairs", [case], record=RECORD)
    assert "built by the method “sequential”" in text
    assert f"{case.network.parameter_count} parameters" in text
    assert "exactly zero, a global minimum" in text
    assert "seed 3" in text


def test_page_of_an_unproved_network_claims_no_minimum():
    case = Case(DATA, network=ReLUNetwork([np.eye(2)], [[0.0, 0.0]]))
    case.verify()
    text = page("Pairs", [case], record=RECORD)
    lower = case.certificate.witness["loss"]
    assert "It is proved to be no minimum: a step of " in text
    assert f"lowers the loss to {lower:.6g}." in text and lower < case.certificate.loss
    assert "exactly zero, a global minimum" not in text
    text = told_of(verdict="undetermined", proved=False)
    assert "not proved to be a global minimum; the verdict is “undetermined”" in text


def told_of(**fields):
    case = solved_case()
    case.certificate = dataclasses.replace(case.certificate, **fields)
    return page("Pairs", [case], record=RECORD)


def test_page_of_a_minimum_but_for_a_slack_says_where_none_is_lower():
    text = told_of(slack=2e-20, radius=None, distance=None)
    assert "and no network has a loss that is lower by more than 2e-20: a global minimum" in text
    text = told_of(slack=2e-20, radius=0.25, distance=None, verdict="local minimum")
    assert "and no network within 2.5e-01 of its parameters has a loss" in text


def test_page_of_an_exact_saddle_tells_the_step_down():
    witness = {"direction": [], "step": 0.5, "loss": 0.125, "slope": -1.0}
    critical = {"argument": "saddle", "kinks": [], "rank_error": 0.0}
    text = told_of(verdict="saddle", distance=1e-12, witness=witness, critical=critical)
    assert "1.0e-12 from its parameters lies an exact saddle" in text
    assert "a step of 5.0e-01 lowers the loss to 0.125" in text


def test_page_of_a_refusal_gives_the_reason_of_every_method():
    case = Case(DATA, refusal=ConstructionError({"clustered": "too wide", "cone": "no cone"}))
    text = page("Pairs", [case], record=RECORD)
    assert "<b>clustered</b>: too wide" in text
    assert "<b>cone</b>: no cone" in text
    assert case.row()["verdict"] == "no method applies"


def test_study_is_told_in_words_and_numbers():
    case = solved_case()
    case.perturb(scales=[0.0, 0.001, 1.0], trials=4, steps=2, seed=0)
    text = page("Pairs", [case], record=RECORD)
    assert "4 of 4" in text and "none left" in text
    assert "At λ = 0.001 no trial was further away" in text
    assert "None that left returns at λ = 1." in text
    assert "There is no radius at which half return: most fall at λ = 1, more steps" in text


# Laws


def test_figures_appear_in_the_order_in_which_they_were_drawn():
    case = solved_case()
    case.figures += [
        Picture("pairs-b", "second", "two dots"),
        Picture("pairs-a", "first", "one <dot>"),
    ]
    text = page("Pairs", [case], record=RECORD)
    assert text.index("pairs-b.png") < text.index("pairs-a.png")
    assert 'alt="two dots"' in text
    assert 'alt="one &lt;dot&gt;"' in text


@pytest.mark.parametrize("name", ["single_cone", "iris", "MixedCase data"])
def test_headings_keep_the_spelling_of_the_data(name):
    case = Case(Dataset(X, DATA.y, name, {}), refusal=ConstructionError({"cone": "no"}))
    text = page(name, [case], record=RECORD)
    assert f">{name}</h2>" in text
    assert "text-transform" not in text


# Bad input


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", 'a"onload="x'])
def test_names_from_a_file_cannot_become_markup(name):
    case = Case(Dataset(X, DATA.y, name, {}), refusal=ConstructionError({"cone": name}))
    text = page(name, [case], record=RECORD)
    assert "<script>" not in text
    assert 'a"onload' not in text
