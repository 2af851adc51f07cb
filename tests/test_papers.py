"""Abbreviations of papers are spelled out where a reader meets them."""

import re
from pathlib import Path

import pytest

import geomcore

ROOT = Path(geomcore.__file__).parent.parent
PAPERS = {"CE23": "2309.10639", "CE24": "2405.07098", "Ewa25": "2504.18710"}


def test_the_readme_spells_out_the_abbreviations_of_papers():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    used = set(re.findall(r"\b(?:CE|Ewa)\d\d\b", text))
    assert used == set(PAPERS)
    for short, number in PAPERS.items():
        link = rf"arXiv:{number}\]\(https://arxiv.org/abs/{number}"
        assert re.search(rf"{short}[^;]* is [^;]*{link}", text)


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.name)
def test_a_page_spells_out_what_it_abbreviates(path):
    text = path.read_text(encoding="utf-8")
    for short in set(re.findall(r"\b(?:CE|Ewa)\d\d\b", text)):
        assert f"{short} (arXiv:{PAPERS[short]})" in text


def test_what_the_commands_show_names_papers_in_full():
    for path in (ROOT / "training").rglob("*.html"):
        assert not re.search(r"\b(CE|Ewa)\d\d\b", path.read_text(encoding="utf-8")), path
    from training.experiments import explanations

    assert not re.search(r"\b(CE|Ewa)\d\d\b", explanations.FORMULA)
