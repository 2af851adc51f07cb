"""What studies and results look like when they are typed."""

import functools
from html.parser import HTMLParser

import numpy as np
import pytest

from geomcore.network import ReLUNetwork
from training import PerturbationStudy, perturbation_study, train, train_ensemble

NET, X = ReLUNetwork([[[1.0]]], [[0.0]]), np.array([[-1.0], [1.0]])
EVIL = "</td><script>alert(1)</script>\x1b[2J\n" + "x" * 200
NAMES = ["study", "study in a file", "result", "result of many", "plan", "trained", "ensemble"]
STUDY = {"trials": 3, "steps": 5, "scales": [0.001, 0.1, 1e-3 / 3]}


@functools.cache
def objects():
    many = {f"{EVIL}{k}": NET for k in range(9)}
    study = PerturbationStudy(None, NET, X, X, **STUDY)
    return {
        "study": study,
        "study in a file": PerturbationStudy("a" * 200, NET, X, X, **STUDY),
        "result": study.run(),
        "result of many": perturbation_study(many, X, X, **STUDY),
        "plan": PerturbationStudy(None, NET, X, X, trials=2).plan,
        "trained": train(NET, X, X[::-1], steps=300),
        "ensemble": train_ensemble([NET] * 500, X, X[::-1], steps=300),
    }


class Texts(HTMLParser):
    """The tags and the texts of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.texts.append(data)


@pytest.mark.parametrize("name", NAMES)
def test_an_object_is_shown_in_a_few_lines(name):
    lines = repr(objects()[name]).splitlines()
    assert 1 <= len(lines) <= 5
    assert max(map(len, lines)) <= 80
    assert all(line.isprintable() for line in lines)


def test_reprs_say_what_there_is():
    shown = objects()
    assert repr(shown["study"]) == (
        "PerturbationStudy(in memory; 1 reference, 3 scales 0.000333333 to 0.1, 3\n"
        "    trials of 5 steps each, seed 0)"
    )
    assert "9 trials: 6 stayed" in " ".join(repr(shown["result"]).split())
    assert "stopped by step budget" in " ".join(repr(shown["trained"]).split())
    assert "500 trials" in repr(shown["ensemble"])


@pytest.mark.parametrize("name", ["result", "result of many"])
def test_a_notebook_shows_the_tables_and_nothing_that_a_name_says(name):
    result = objects()[name]
    found = Texts(result._repr_html_())
    assert found.tags.count("table") == 2 and "script" not in found.tags
    assert found.tags.count("tr") == 2 + len(result.frame("scale")) + len(result.references)
    assert "returned" in found.texts
    assert "\x1b" not in result._repr_html_()


def test_a_result_without_trials_can_be_shown():
    result = objects()["result"].of("network")
    empty = type(result)(result.references, 0, {k: v[:0] for k, v in result.columns.items()})
    assert "0 trials" in repr(empty) and empty._repr_html_() == repr(empty)


def test_summaries_are_texts_and_frames_are_tables():
    shown = objects()
    for name in ("result", "trained", "ensemble"):
        assert isinstance(shown[name].summary(), str)
    assert list(shown["trained"].frame()) == ["step", "loss"]
    assert len(shown["ensemble"].frame()) == 500
    assert max(map(len, shown["result of many"].summary().splitlines())) <= 80


def test_a_study_needs_a_network_and_data_only(monkeypatch):
    monkeypatch.setattr("training.study.planning.budget.WORK", 1e6)
    assert len(perturbation_study(NET, X, X).frame()) == 600
