"""Every example runs, says what is true and leaves its picture."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from geomcore.names import HOMES

ROOT = Path(__file__).parent.parent
SCRIPTS = sorted((ROOT / "examples").glob("*.py"))
SHORT = sorted((ROOT / "examples" / "gallery").glob("plot_*.py"))  # `make docs` runs these
SMALL = {
    "spirals": ["--arms", "2", "--points", "40", "--turns", "0.7"],
    "verify_your_network": ["--steps", "50", "--points", "20"],
    "fine_tune": [],
    "kernels_in_numba": ["--points", "100"],
    "original_study": ["--trials", "4", "--steps", "20", "--types", "ac"],
}


def run(name, folder):
    """Output of an example, run from another folder with small arguments."""
    found = subprocess.run(
        [sys.executable, str(ROOT / "examples" / f"{name}.py"), "figures", *SMALL[name]],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


def test_small_arguments_are_known_for_every_example():
    assert set(SMALL) == {script.stem for script in SCRIPTS}


@pytest.mark.parametrize("name", sorted(SMALL))
def test_the_gallery_shows_the_picture_of_every_example(name):
    text = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    assert f"examples/{name}.py" in text
    assert f"gallery/{name}.png" in text
    assert (ROOT / "docs" / "gallery" / f"{name}.png").stat().st_size > 10_000


@pytest.mark.parametrize("path", SHORT, ids=lambda path: path.stem)
def test_a_script_of_the_site_has_a_title_and_uses_public_names_only(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    title, line, empty, *text = ast.get_docstring(tree).split("\n")
    assert line == "=" * len(title) and not empty and "".join(text).endswith(".")
    imported = {
        (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in HOMES
        for alias in node.names
    }
    assert imported and all(name in HOMES.get(home, ()) for home, name in imported)


def test_spirals_are_a_proved_minimum_and_drawn(tmp_path):
    out = run("spirals", tmp_path)
    assert "global minimum (proved)" in out
    assert {p.name for p in (tmp_path / "figures").iterdir()} == {"spirals.png", "spirals.svg"}


@pytest.mark.slow
def test_a_trained_network_is_not_called_a_minimum_and_a_constructed_one_is(tmp_path):
    trained, constructed = run("verify_your_network", tmp_path).split("CONSTRUCTED")
    assert "global minimum" not in trained
    assert "accuracy" in trained
    assert "global minimum (proved)" in constructed
    assert (tmp_path / "figures" / "verify_your_network.png").stat().st_size > 10_000


@pytest.mark.slow
def test_a_network_that_was_fine_tuned_in_torch_settles_on_a_proved_minimum(tmp_path):
    pytest.importorskip("torch")
    constructed, rest = run("fine_tune", tmp_path).split("FINE-TUNED")
    tuned, settled = rest.split("SETTLED")
    assert "global minimum (proved)" in constructed
    assert "not stationary (proved)" in tuned
    assert "critical point" in settled and "local minimum (proved)" in settled
    assert (tmp_path / "figures" / "fine_tune.png").stat().st_size > 10_000


@pytest.mark.slow
def test_compiled_code_of_the_user_walks_points_to_the_boundary(tmp_path):
    out = run("kernels_in_numba", tmp_path)
    arrived, of = int(out.split()[0]), int(out.split()[2])
    assert of / 2 < arrived <= of
    assert (tmp_path / "figures" / "kernels_in_numba.png").stat().st_size > 10_000


@pytest.mark.slow
def test_the_original_study_decides_claim_e4_and_is_resumed_from_its_files(tmp_path):
    out = run("original_study", tmp_path)
    assert "(a) clusters: 13 networks" in out
    claims = out.split("Claim E4:")[1].splitlines()
    decided = [line for line in claims if line.endswith((": holds", ": does not hold"))]
    assert len(decided) == 7
    made = {p.name for p in (tmp_path / "figures").iterdir()}
    assert {"clusters.sqlite", "single_cone.csv", "clusters.png", "original_study.png"} <= made
    rows = (tmp_path / "figures" / "clusters.csv").read_bytes()
    assert run("original_study", tmp_path).split("Claim E4:")[1] == out.split("Claim E4:")[1]
    assert (tmp_path / "figures" / "clusters.csv").read_bytes() == rows
