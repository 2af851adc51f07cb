"""Pages: one frame, and nothing in it that could become markup."""

import sys
from pathlib import Path

import jinja2
import pytest

import training
from training.output.page import render

ROOT = Path(training.__file__).parent
FRAME = ROOT / "output" / "page.html"
PAGES = sorted(path for path in ROOT.rglob("*.html") if path.parent != FRAME.parent)
RECORD = {
    "seed": 3,
    "started": "today",
    "python": "3.11",
    "versions": {"numpy": "2", "absent": None},
    "arguments": {"steps": 7, "trials": 2, "scale": 0.5},
}
CONTENT = {"sections": [], "growth": [{"data": "3 balls"}], "wrong": []}


# By hand


def test_the_last_lines_say_how_the_page_was_made(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/usr/bin/geomcore", "minima", "--classes", "3"])
    text = render("commands/minima.html", RECORD, **CONTENT)
    assert "<code>geomcore minima --classes 3</code>, seed 3, today, Python 3.11, numpy 2." in text
    assert "absent" not in text


def test_title_and_heading_are_the_same():
    text = render("commands/minima.html", RECORD, **CONTENT)
    assert "<title>What kind of point is it?</title>" in text
    assert "<h1>What kind of point is it?</h1>" in text


# Laws


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_page_extends_the_frame_and_repeats_none_of_its_style(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith('{% extends "output/page.html" %}')
    assert "<style" not in text
    frame = {line for line in FRAME.read_text(encoding="utf-8").splitlines() if " { " in line}
    assert len(frame) > 10
    assert not frame & set(text.splitlines())


# Bad input


def test_what_a_page_is_given_cannot_become_markup(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["geomcore", "<script>"])
    text = render("commands/minima.html", RECORD, **{**CONTENT, "wrong": ["<b>x</b>"]})
    assert "<script>" not in text
    assert "&lt;b&gt;x&lt;/b&gt;" in text


def test_content_that_is_missing_is_an_error():
    with pytest.raises(jinja2.UndefinedError, match="growth"):
        render("commands/minima.html", RECORD, sections=[], wrong=[])
