"""The page that joins runs: what it says, and what a browser makes of it."""

import json
import re

import browser
import pytest
from stored_runs import CONTENT, run_in_space, stored_run

from training.commands.arguments.data import load_data
from training.report.joined import _figure_of, _json, joined, size_in_words
from training.report.plot_views import View, views_of
from training.report.runs import read_runs
from training.report.sections import section_of

RECORD = {"seed": 0, "started": "today", "python": "3.11", "versions": {"numpy": "2"}}
# Instead of the real one, which takes a second to draw.
PLOTLY = """window.Plotly = {
  react(space, traces, layout) { space.drawn = traces.length; space.layout = layout; },
  relayout(space, change) { space.turned = change; },
  purge() {},
};"""


def page_of(paths, *, library=None, **given):
    runs, _ = read_runs(paths)
    views = [views_of(run, load_data)[0] for run in runs]
    return joined(runs, views, record=RECORD, library=library, **given)


# By hand


def test_the_summary_comes_first_then_the_runs_then_their_pages(tmp_path):
    page, rows = page_of([stored_run(tmp_path / "a"), stored_run(tmp_path / "b", title="B")])
    places = [page.index(text) for text in ("In short", "The verdict is", "The runs", 'id="run-2"')]
    assert places == sorted(places)
    assert page.count("<table>") == 3 and "&lt;table" not in page  # runs, and parameters of each
    assert "<h1>2 runs, joined</h1>" in page and "All were made with Python" in page
    assert [row["command"] for row in rows] == ["verify", "verify"]


def test_what_the_page_weighs_is_told(tmp_path):
    page, _ = page_of([stored_run(tmp_path / "a")])
    (told,) = re.findall(r"weighs about (\d+) kB", page)
    assert 0 < len(page) / 1000 - int(told) < 40  # less the frame, the styles and the script
    assert size_in_words(99_000_000) == "99.0 MB"


def test_versions_that_differ_are_told(tmp_path):
    paths = [stored_run(tmp_path / name) for name in "ab"]
    text = (paths[0] / "run.json").read_text()
    (paths[0] / "run.json").write_text(re.sub(r'"numpy": "[^"]+"', '"numpy": "1.0"', text))
    assert "Versions that differ between runs: numpy (1.0, " in page_of(paths)[0]


def test_a_version_that_not_all_runs_name_is_not_one_of_all(tmp_path):
    paths = [stored_run(tmp_path / name) for name in "ab"]
    for path, found in zip(paths, ("9.9", None), strict=True):
        told = json.loads((path / "run.json").read_text())
        told["versions"] = {"numpy": "2.0", "jax": found}
        (path / "run.json").write_text(json.dumps(told))
    page, _ = page_of(paths)
    assert "numpy 2.0. Versions that differ between runs: jax (9.9, none)." in page


def test_a_view_stands_below_the_figure_of_its_own_network(tmp_path):
    (run,), _ = read_runs([stored_run(tmp_path / "a")])
    section = section_of(run, "run-1", {})
    section.figures = {"a-b-outputs": "wrong", "a-outputs": "right"}
    assert _figure_of(section, View("outputs", "a-", "", "", [], [], [])) == "right"
    assert _figure_of(section, View("cones", "a-", "", "", [], [], [])) is None


def test_the_library_is_inside_once_and_only_where_a_view_needs_it(tmp_path):
    space, _, _ = run_in_space(tmp_path / "s")
    with_views, _ = page_of([space, stored_run(tmp_path / "a")], library=PLOTLY)
    assert with_views.count('id="plotly"') == 1 and with_views.count('class="turn"') == 2
    for page, _ in (page_of([space]), page_of([tmp_path / "a"], library=PLOTLY)):
        assert 'id="plotly"' not in page and 'class="turn"' not in page


# Bad input


def test_no_name_becomes_markup_or_ends_a_script(tmp_path):
    name = "</script><script>alert(1)</script>"
    quoted = name.replace("<", "&lt;").replace(">", "&gt;")
    content = CONTENT.replace('"wine"', f'"{quoted}"').replace("Dots", quoted)
    path = stored_run(tmp_path / "<b>a", content=content, title=quoted, note=name)
    page, _ = page_of([path], left_out=[name])
    assert "<script>alert" not in page and "<b>a" not in page
    assert page.count("<script>") == page.count("</script>") == 1


def test_what_a_view_says_cannot_end_its_script():
    name = "</script><script>alert(1)</script>&amp;"
    text = _json(View("cones", "", name, name, [name], [], []))
    assert not {*"<>&"} & {*text} and json.loads(text)["title"] == name


def test_what_a_record_says_is_printable_and_short(tmp_path):
    path = stored_run(tmp_path / "a")
    told = json.loads((path / "run.json").read_text())
    told |= {"started": "\u202e" * 9, "python": "x" * 5000, "seconds": 1e308}
    (path / "run.json").write_text(json.dumps(told))
    page, rows = page_of([path])
    assert "\u202e" not in page and "x" * 300 not in page and rows[0]["seconds"] == "1e+308"


# In a browser


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """A browser with a joined page, and the place of that page."""
    path = browser.find()
    if path is None:
        pytest.skip("no browser is installed")
    folder = tmp_path_factory.mktemp("joined")
    space, _, _ = run_in_space(folder / "s")
    broken = stored_run(folder / "b", title="An unfinished run with a name that is <long>" * 4)
    (broken / "wine-outputs.png").write_bytes(b"")
    page, _ = page_of([stored_run(folder / "a"), space, broken], library=PLOTLY)
    (folder / "page.html").write_text(page, encoding="utf-8")
    opened = browser.Browser(path)
    yield opened, folder / "page.html"
    opened.close()


def test_pictures_show_nothing_is_fetched_and_nothing_goes_wrong(seen):
    page, path = seen
    page.open(path)
    page.run("document.querySelectorAll('img').forEach(i => i.loading = 'eager')")
    page.until("[...document.images].every(i => i.complete)")
    assert page.run("document.images.length") == 2
    assert page.run("[...document.images].every(i => i.naturalWidth > 0 && i.alt)")
    assert page.run("performance.getEntriesByType('resource').map(e => e.name)") == []
    assert page.errors == []


@pytest.mark.parametrize("width", [400, 1300])
def test_no_screen_makes_the_page_scroll_sideways(seen, width):
    page, path = seen
    page.open(path, width=width)
    page.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.run("document.documentElement.scrollWidth") <= width
    frames = "[...document.querySelectorAll('pre')].filter(p => p.scrollWidth > p.clientWidth)"
    assert page.run(f"{frames}.every(p => p.tabIndex === 0)")


ROWS = "[...document.querySelectorAll('#run-1 ~ .wide tbody tr')].slice(0, 4)"
CELLS = ROWS + ".map(r => r.cells[{}].textContent)"


def test_tables_sort_by_numbers_by_words_and_back(seen):
    page, path = seen
    page.open(path)
    button = "document.querySelectorAll('#run-1 ~ .wide th button')[{}]"
    heading = "document.querySelectorAll('#run-1 ~ .wide th')[{}].getAttribute('aria-sort')"
    was = page.run(CELLS.format(1))
    assert page.run("document.querySelectorAll('.all th button').length") == 8
    page.run(button.format(1) + ".focus()")
    page.press("Enter")
    assert page.run(CELLS.format(1)) == ["\u22122", "1.5e-3", "1,200 to 1,300", "-"]
    assert page.run(heading.format(1)) == "ascending"
    page.press("Enter")
    assert page.run(CELLS.format(1)) == ["1,200 to 1,300", "1.5e-3", "\u22122", "-"]
    page.press("Enter")
    assert page.run(CELLS.format(1)) == was and page.run(heading.format(1)) is None
    page.run(button.format(0) + ".click()")
    assert page.run(CELLS.format(0)) == ["a9", "a10", "b", "c"]
    assert page.run(heading.format(0)) == "ascending" and page.run(heading.format(1)) is None


COLUMN = "[...document.querySelectorAll('.all tbody tr')].map(r => r.cells[{}].textContent)"


def test_dates_and_words_that_begin_as_numbers_do_are_sorted(seen, tmp_path):
    page, _ = seen
    rows = "".join(f"<tr><td>{w}</td></tr>" for w in ("infeasible", "none", "feasible", "infinite"))
    broken = "<table class=sortable></table><table class=sortable><thead></thead></table>"
    paths = [
        stored_run(tmp_path / n, content=broken + f"<table><tr><th>a{rows}</table>") for n in "ab"
    ]
    for path, begun in zip(paths, ("2026-11-30T11:00:00", "2026-11-29T12:00:00"), strict=True):
        told = json.loads((path / "run.json").read_text())
        (path / "run.json").write_text(json.dumps(told | {"started": begun}))
    (tmp_path / "page.html").write_text(page_of(paths)[0], encoding="utf-8")
    page.open(tmp_path / "page.html")
    page.run("document.querySelectorAll('.all th button')[3].click()")
    assert page.run(COLUMN.format(3)) == ["2026-11-29 12:00", "2026-11-30 11:00"]
    page.run("[...document.querySelectorAll('th button')].find(b => b.textContent === 'a').click()")
    words = "document.querySelectorAll('th[aria-sort] button')[1].closest('table').tBodies[0]"
    assert page.run(words + ".textContent") == "feasibleinfeasibleinfinitenone"
    assert page.errors == []


def test_figures_enlarge_and_escape_leads_back(seen):
    page, path = seen
    page.open(path)
    page.run("document.querySelector('.enlarge').focus()")
    page.press("Enter")
    assert page.run("document.getElementById('large').open")
    assert page.run("document.querySelector('.large img').alt") == "Dots & lines"
    assert page.run("document.querySelector('#large .caption').textContent") == "The answers."
    page.press("Escape")
    assert not page.run("document.getElementById('large').open")
    assert page.run("document.activeElement.className") == "enlarge"


def test_views_are_drawn_and_turn_by_keyboard(seen):
    page, path = seen
    page.open(path)
    page.run("document.querySelector('button.turn').click()")
    page.until("document.querySelector('.space').drawn > 0")
    page.press("ArrowLeft")
    assert page.run("document.querySelector('.space').turned['scene.camera.eye'].x") != 1.7
    assert "turns with the mouse" in page.run(
        "document.querySelector('#large .caption').textContent"
    )
    page.press("Escape")
    assert page.errors == []


def test_a_view_of_the_real_library_turns_with_the_mouse(seen, tmp_path):
    offline = pytest.importorskip("plotly.offline")
    page, _ = seen
    space, _, _ = run_in_space(tmp_path / "s")
    text, _ = page_of([space], library=offline.get_plotlyjs())
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    page.open(tmp_path / "page.html", width=400, height=400)
    page.run("document.querySelector('button.turn').click()")
    page.until("document.querySelector('.space').dataset.drawn")
    assert page.run("document.querySelectorAll('.space canvas').length") > 0
    eye = "JSON.stringify(document.querySelector('.space').layout.scene.camera.eye)"
    was = page.run(eye)
    box = "document.querySelector('.space').getBoundingClientRect()"
    x, y = page.run(f"[{box}.x + {box}.width / 2, {box}.y + {box}.height / 2]")
    page.drag(x, y, x + 40, y + 10)
    page.until(f"{eye} !== '{was}'")
    page.press("Escape")
    assert page.errors == []


# The least contrast of any text with the paint behind it, as WCAG 2 computes it.
CONTRAST = """
(() => {
  const light = (c) => c.slice(0, 3).map((v) => {
    v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  }).reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const paint = parts(getComputedStyle(e).backgroundColor);
      if (paint.length < 4 || paint[3] > 0) return paint;
    }
    return [255, 255, 255];
  };
  let least = [99, ""];
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !e.checkVisibility() || e.tagName === "SCRIPT") continue;
    const [a, b] = [light(parts(getComputedStyle(e).color)), light(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < least[0]) least = [ratio, e.tagName + " " + e.textContent.slice(0, 40)];
  }
  return least;
})()
"""


@pytest.mark.parametrize("dark", [False, True])
def test_all_text_can_be_read_in_the_light_and_in_the_dark(seen, dark):
    page, path = seen
    page.open(path, dark=dark)
    page.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    ratio, where = page.run(CONTRAST)
    assert ratio >= 4.5, where
    paint = page.run("getComputedStyle(document.body).backgroundColor")
    assert (paint == "rgb(20, 24, 29)") == dark
