"""Links of the pages lead somewhere, and what theorem pages show is what comes out."""

import re
from pathlib import Path

import pytest
import readme

import geomcore

ROOT = Path(geomcore.__file__).parent.parent
MADE = {"docs/examples/index.rst", "docs/reference/geomcore.rst"}  # by the build of the site
PAGES = sorted(
    [*ROOT.glob("*.md"), ROOT / "benchmarks" / "RESULTS.md"]
    + [p for p in (ROOT / "docs").rglob("*.md") if p.parent.name not in ("examples", "reference")]
)
THEOREMS = sorted((ROOT / "docs" / "theorems").glob("*.md"))
CODE = re.compile(r"^(`{3,})[^\n]*\n.*?^\1$|`[^`\n]*`", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def shown(path):
    return path.relative_to(ROOT).as_posix()


def anchors(path):
    """The anchors that GitHub and MyST give the headings of a page."""
    text = re.sub(
        r"^(`{3,})[^\n]*\n.*?^\1$", "", path.read_text(encoding="utf-8"), flags=re.S | re.M
    )
    found = set()
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        words = re.sub(r"[^\w\- ]", "", heading.lower())
        found.add(words.strip().replace(" ", "-"))
    return found


def broken(path):
    """Links of a page to files or headings that are not there."""
    text = CODE.sub("", path.read_text(encoding="utf-8"))
    for link in LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.is_relative_to(ROOT):
            yield f"{shown(path)}: {link} leads out of the repository"
        elif not target.exists() and shown(target) not in MADE:
            yield f"{shown(path)}: {link}: no such file"
        elif anchor and anchor not in anchors(target):
            yield f"{shown(path)}: {link}: no such heading"


def test_links_between_pages_lead_to_files_and_headings():
    assert not (offences := [offence for page in PAGES for offence in broken(page)]), offences


def test_a_broken_link_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "# A title\n[a](#a-title) [b](#none) [c](gone.md) `[d](code.md)` [e](../up.md)\n"
    )
    assert [offence.split(": ", 1)[1] for offence in broken(page)] == [
        "#none: no such heading",
        "gone.md: no such file",
        "../up.md leads out of the repository",
    ]


def test_every_page_is_in_the_table_of_contents():
    text = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^(?:[^<\n]+<)?([\w/.-]+)>?$", text, re.MULTILINE))
    names = {
        p.relative_to(ROOT / "docs").with_suffix("").as_posix() for p in PAGES if "docs" in p.parts
    }
    assert names - {"index"} <= listed


def test_the_list_of_theorems_has_every_page_once():
    text = (ROOT / "docs" / "theorems" / "index.md").read_text(encoding="utf-8")
    linked = re.findall(r"\]\((\w+\.md)\)", text)
    assert sorted(linked) == [p.name for p in THEOREMS if p.name != "index.md"]


@pytest.mark.parametrize(
    "path", [p for p in THEOREMS if p.name != "index.md"], ids=lambda p: p.stem
)
def test_a_theorem_page_has_a_statement_a_function_and_an_example_that_runs(path):
    text = path.read_text(encoding="utf-8")
    for part in (r"\*\*Statement", r"\*\*(Proof|Why)\.\*\*", r"\*\*In code\.\*\*"):
        assert re.search(part, text), part
    assert readme.run_page(path)


def test_an_example_that_prints_something_else_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```python\n>>> 1 + 1\n3\n\n```\n")
    with pytest.raises(RuntimeError, match=r"(?s)page\.md:2 fails.*Expected"):
        readme.run_page(page)
