"""Pages: one frame, and nothing in it that could become markup."""

import re
import sys
from pathlib import Path

import jinja2
import pytest

import training
from training.output import page
from training.output.folder import Picture
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


def test_a_wide_picture_scrolls_by_itself_and_has_what_it_shows_as_its_alt_text():
    picture = Picture("3 balls-states", "The caption.", "8 points and their verdicts", 1200)
    section = {"name": "3 balls", "data": "300 points", "rows": [{"point": "x"}], "refused": []}
    section |= {"notes": ["Why 8e11 is right."], "figures": [picture]}
    text = render("commands/minima.html", RECORD, **{**CONTENT, "sections": [section]})
    assert '<figure class="broad"><div class="picture" tabindex="0">' in text
    assert '<img src="3%20balls-states.png" alt="8 points and their verdicts">' in text
    narrow = {**section, "figures": [picture._replace(width=600)]}
    assert 'class="broad"' not in render(
        "commands/minima.html", RECORD, **{**CONTENT, "sections": [narrow]}
    )
    assert "<p>Why 8e11 is right.</p>" in text


def test_what_scrolls_says_so_on_a_narrow_screen():
    parts = page._ENVIRONMENT.get_template("output/parts.html")
    few, many = ({str(k): "x" for k in range(count)} for count in (3, 20))
    assert "hint" not in parts.module.table([few])
    long = {"claim": "A1", "verdict": "does not hold", "reason": "no run of thirty did that"}
    for rows in ([many], [few, few | {"1": 50 * "x"}], [long]):
        assert '<p class="hint">The table scrolls sideways.</p>' in parts.module.table(rows)
    narrow, wide = (Picture("a", "The caption.", "alt", width) for width in (600, 1200))
    assert "hint" not in parts.module.figure(narrow)
    assert '<span class="hint">Scrolls sideways.</span> The caption.' in parts.module.figure(wide)
    style = FRAME.read_text(encoding="utf-8")
    assert style.index(".hint { display: none") < style.index(".hint { display: inline")


def test_words_stand_to_the_left_and_numbers_to_the_right():
    parts = page._ENVIRONMENT.get_template("output/parts.html")
    rows = [{"line": "gradient", "verdict": "saddle", "loss": "0.1"}]
    rows.append({"line": "other", "verdict": "-", "loss": "none"})
    text = parts.module.table(rows)
    assert '<th class="words">verdict</th><th>loss</th>' in text
    assert '<td class="words">saddle</td><td>0.1</td>' in text
    assert '<td class="words">-</td><td>none</td>' in text
    style = FRAME.read_text(encoding="utf-8")
    assert ".words { text-align: left; }" in style


# Laws


def test_a_table_of_no_rows_is_empty():
    parts = page._ENVIRONMENT.get_template("output/parts.html")
    assert "<td" not in parts.module.table([]) and "<th" not in parts.module.table([])


def test_every_colour_of_the_frame_has_a_light_and_a_dark_value():
    style = FRAME.read_text(encoding="utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", style, flags=re.DOTALL)
    names = [set(re.findall(r"(--\w+):", part)) for part in (light, dark)]
    assert names[0] == names[1] == set(re.findall(r"var\((--\w+)\)", style))
    assert style.index("prefers-color-scheme: dark") < style.index(dark)
    # What has a colour of its own does not follow: only the card on which figures lie has.
    rest = style.replace(light, "").replace(dark, "")
    assert re.findall(r"#[0-9a-f]{3,6}\b", rest) == ["#fff"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_page_extends_the_frame_and_repeats_none_of_its_style(path):
    text = path.read_text(encoding="utf-8")
    parent = re.match(r'{% extends "(.*?)" %}', text)[1]
    if parent != "output/page.html":
        # pages of one kind have a frame of their own, which extends that of all pages
        kind = (FRAME.parent.parent / parent).read_text(encoding="utf-8")
        assert kind.startswith('{% extends "output/page.html" %}')
    assert "<style" not in text
    frame = {line for line in FRAME.read_text(encoding="utf-8").splitlines() if " { " in line}
    assert len(frame) > 10
    assert not frame & set(text.splitlines())


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_page_marks_the_sentences_that_sum_it_up(path):
    # what `geomcore report` puts first; a page of a kind may leave that to the frame of its kind
    text = path.read_text(encoding="utf-8")
    (frame,) = re.findall('{% extends "([^"]+)" %}', text)
    if frame != "output/page.html":
        text += (ROOT / frame).read_text(encoding="utf-8")
    assert 'class="summary"' in text or path.stem == "report"


# Bad input


def test_what_a_page_is_given_cannot_become_markup(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["geomcore", "<script>"])
    text = render("commands/minima.html", RECORD, **{**CONTENT, "wrong": ["<b>x</b>"]})
    assert "<script>" not in text
    assert "&lt;b&gt;x&lt;/b&gt;" in text


def test_content_that_is_missing_is_an_error():
    with pytest.raises(jinja2.UndefinedError, match="growth"):
        render("commands/minima.html", RECORD, sections=[], wrong=[])
