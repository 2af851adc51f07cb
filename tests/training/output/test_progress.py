"""What an argument `progress` means."""

import io
import sys
import time

import pytest

from geomcore import ReLUNetwork
from training.output import progress
from training.output.progress import reporting
from training.study.study import perturbation_study

NET, X = ReLUNetwork([[[1.0]]], [[0.0]]), [[-1.0], [1.0]]
SMALL = {"scales": [0.1, 1.0], "trials": 5, "steps": 5}


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown_by(monkeypatch, given, screen, *, seconds=0.0):
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    with reporting(given, first="looking") as report:
        time.sleep(seconds)
        report(0, 10)
        report(10, 10)
        time.sleep(seconds)
    return screen.getvalue()


# By hand


def test_true_shows_a_bar_on_a_terminal_and_lines_elsewhere(monkeypatch):
    assert "10 of 10 trials" in shown_by(monkeypatch, True, Terminal())
    lines = shown_by(monkeypatch, True, io.StringIO()).splitlines()
    assert lines[0] == "looking" and lines[-1].startswith("10 of 10 trials, ")


def test_by_default_a_terminal_shows_what_takes_long(monkeypatch):
    assert not shown_by(monkeypatch, None, Terminal())
    assert not shown_by(monkeypatch, None, io.StringIO())
    monkeypatch.setattr(progress, "PATIENCE", 0.05)
    told = shown_by(monkeypatch, None, Terminal(), seconds=0.3)
    assert "looking" in told and "10 of 10 trials" in told
    assert not shown_by(monkeypatch, None, io.StringIO(), seconds=0.1)


def test_false_shows_nothing(monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    assert not shown_by(monkeypatch, False, Terminal(), seconds=0.05)


def test_a_function_is_called(monkeypatch):
    calls = []
    assert not shown_by(monkeypatch, lambda *counts: calls.append(counts), Terminal())
    assert calls == [(0, 10), (10, 10)]


def test_a_bar_ends_with_what_it_shows(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with pytest.raises(ZeroDivisionError), reporting(True) as report:
        report(1, 10)
        raise ZeroDivisionError
    before = sys.stderr.getvalue()
    time.sleep(0.3)
    assert sys.stderr.getvalue() == before


# Laws


def test_a_study_is_the_same_whatever_it_shows(capsys):
    found = [perturbation_study(NET, X, X, **SMALL, progress=p) for p in (None, True, False)]
    out, err = capsys.readouterr()
    assert not out
    assert err.splitlines()[-1].startswith("10 of 10 trials")
    assert len({one.frame().to_csv() for one in found}) == 1


# Bad input


@pytest.mark.parametrize("given", [3, "yes"])
def test_other_values_are_refused(given):
    with pytest.raises(ValueError, match="progress must be True, False, None or a function"):
        perturbation_study(NET, X, X, **SMALL, progress=given)
