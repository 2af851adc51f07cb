"""One version and one date, wherever they stand."""

import re
import tomllib
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_version_and_date_are_the_same_wherever_they_stand():
    version = tomllib.loads(text("pyproject.toml"))["project"]["version"]
    released, day = re.findall(r"^## (\d\S*) - (\S+)$", text("CHANGELOG.md"), re.MULTILINE)[0]
    assert released == version
    citation = text("CITATION.cff")
    assert f"\nversion: {version}\n" in citation and f"\ndate-released: {day}\n" in citation
    told = date.fromisoformat(day)
    assert f"The version is {version}, of {told.day} {told:%B %Y}," in text("docs/stability.md")
