"""The mutation run itself: what it changes, what it calls it, and when it fails."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mutations import changes, listed, shown

SOURCE = '''
def bound(x, slack: int = 1e-6):
    """At least 3 times x, for 1 < 2."""
    if not x > 0:
        raise ValueError(f"x must be above 0, got {x + 1}")
    return max(x + 3, 2.0 * x) if x is not None or x == 4 else -x
'''


def made(source):
    return [(m.line, m.key[-1]) for m in changes("file.py", source)]


def test_constants_comparisons_signs_and_pairs_are_changed_one_at_a_time():
    last = "return max(x + 3, 2.0 * x) if x is not None or x == 4 else -x"
    assert sorted(made(SOURCE)) == sorted(
        [
            ("def bound(x, slack: int = 1e-6):", "1e-06 -> 2e-06"),
            ("def bound(x, slack: int = 1e-6):", "1e-06 -> 0.0"),
            ("if not x > 0:", "not -> not not"),
            ("if not x > 0:", "> -> >="),
            ("if not x > 0:", "> -> <="),
            ("if not x > 0:", "0 -> 1"),
            ("if not x > 0:", "0 -> -1"),
            (last, "max -> min"),
            (last, "+ -> -"),
            (last, "3 -> 4"),
            (last, "3 -> 2"),
            (last, "2.0 -> 3.0"),
            (last, "2.0 -> 1.0"),
            (last, "is not -> is"),
            (last, "or -> and"),
            (last, "== -> !="),
            (last, "4 -> 5"),
            (last, "4 -> 3"),
            (last, "- -> + (sign)"),
        ]
    )


def test_each_change_makes_other_code():
    before = ast.dump(ast.parse(SOURCE))
    for i in range(len(made(SOURCE))):
        mutant = changes("file.py", SOURCE)[i]
        setattr(*mutant.edit)
        assert ast.dump(mutant.tree) != before
        compile(ast.fix_missing_locations(mutant.tree), "file.py", "exec")


def test_a_mutant_keeps_its_name_when_other_lines_change():
    moved = "LIMIT = 7\n\n\ndef other():\n    return 1\n\n" + SOURCE
    assert {m.key for m in changes("file.py", SOURCE)} < {m.key for m in changes("file.py", moved)}


def test_equal_changes_of_one_line_have_numbers():
    assert [name for _, name in made("a = 1 + 1")] == [
        "+ -> -",
        "1 -> 2",
        "1 -> 0",
        "1 -> 2 #2",
        "1 -> 0 #2",
    ]


def test_the_list_is_read_as_it_is_written(tmp_path):
    reasons = {m.key: "because: so" for m in changes("a/b.py", SOURCE)}
    path = tmp_path / "mutants.txt"
    path.write_text("# a comment\n" + shown(reasons) + "\n", encoding="utf-8")
    assert listed(path) == reasons
    path.write_text("a/b.py f\n    x = 1\n        1 -> 2; 1 -> 0: both\n", encoding="utf-8")
    assert set(listed(path)) == {
        ("a/b.py", "f", "x = 1", "1 -> 2"),
        ("a/b.py", "f", "x = 1", "1 -> 0"),
    }


TOY = """
LIMIT = 3


def clipped(x, deep=0):
    if x > LIMIT:
        return LIMIT
    return x + deep
"""
TOY_TEST = """
from constructions.proof.toy import clipped


def test_clipped():
    assert [clipped(x) for x in (1, 2, 3, 4, 5)] == [1, 2, 3, 3, 3]
    assert clipped(1, 1) == 2
"""


@pytest.fixture
def toy(tmp_path):
    """A project of one file, in which only `> -> >=` changes nothing."""
    tests = tmp_path / "tests"
    for room in (
        "constructions/proof",
        "tests/constructions/proof",
        "tests/constructions/separation",
        "tests/constructions/verification",
    ):
        (tmp_path / room).mkdir(parents=True)
    for package in ("constructions", "constructions/proof"):
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "constructions/proof/toy.py").write_text(TOY, encoding="utf-8")
    (tests / "constructions/proof/test_toy.py").write_text(TOY_TEST, encoding="utf-8")
    for name in ("mutants.py", "mutations.py"):
        shutil.copy(Path(__file__).with_name(name), tests / name)
    (tests / "mutants.txt").touch()
    (tmp_path / "pyproject.toml").write_text("[tool.pytest]\n", encoding="utf-8")
    return tmp_path


def mutate(toy, *arguments):
    command = [sys.executable, "tests/mutants.py", "constructions/proof/toy.py", *arguments]
    return subprocess.run(command, cwd=toy, capture_output=True, text=True)


LINE = "constructions/proof/toy.py clipped\n    if x > LIMIT:\n        > -> >=: "


def test_a_run_tells_who_survives_and_a_reason_excuses_it(toy):
    first = mutate(toy)
    assert first.returncode == 1
    assert "7 mutants, 0 listed, 1 survive" in first.stdout
    assert f"survivors:\n{LINE}" in first.stdout
    (toy / "tests/mutants.txt").write_text(LINE + "both branches return LIMIT\n", encoding="utf-8")
    second = mutate(toy)
    assert second.returncode == 0
    assert "7 mutants, 1 listed, 0 survive" in second.stdout
    assert (toy / "constructions/proof/toy.py").read_text(encoding="utf-8") == TOY


def test_a_function_that_only_searches_is_excused_as_a_whole(toy):
    whole = "constructions/proof/toy.py clipped\n    *\n        *: only searches\n"
    (toy / "tests/mutants.txt").write_text(whole, encoding="utf-8")
    found = mutate(toy)
    assert found.returncode == 0 and "7 mutants, 5 listed, 0 survive" in found.stdout
    (toy / "tests/mutants.txt").write_text(whole.replace("clipped", "gone"), encoding="utf-8")
    assert "listed, but not there:" in mutate(toy).stdout


def test_a_run_fails_for_a_listed_mutant_that_is_not_there(toy):
    stale = f"{LINE}both branches return LIMIT\n    if x > OTHER:\n        > -> >=: gone\n"
    (toy / "tests/mutants.txt").write_text(stale, encoding="utf-8")
    found = mutate(toy)
    assert found.returncode == 1
    assert "listed, but not there:" in found.stdout and "if x > OTHER:" in found.stdout
    shown_at_once = mutate(toy, "--stale")
    assert shown_at_once.returncode == 1 and "if x > OTHER:" in shown_at_once.stdout
    assert "if x > LIMIT:" not in shown_at_once.stdout
    (toy / "tests/mutants.txt").write_text(f"{LINE}both branches return LIMIT\n", encoding="utf-8")
    assert mutate(toy, "--stale").returncode == 0


def test_a_run_that_starts_red_says_so(toy):
    (toy / "tests/constructions/proof/test_toy.py").write_text("def test_no():\n    assert 0\n")
    found = mutate(toy)
    assert found.returncode != 0 and "fail without any change" in found.stderr


def test_a_compiled_kernel_is_changed_only_where_it_is_interpreted(toy, monkeypatch):
    kernel = toy / "constructions/proof/toy_kernel.py"
    kernel.write_text(TOY, encoding="utf-8")
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    refused = mutate(toy, "constructions/proof/toy_kernel.py")
    assert refused.returncode == 2 and "NUMBA_DISABLE_JIT=1" in refused.stderr
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    # no test reaches the copy
    assert "14 mutants, 0 listed, 8 survive" in mutate(toy, str(kernel.relative_to(toy))).stdout


@pytest.mark.slow
def test_slow_tests_of_a_module_count_wherever_they_mirror_it(toy):
    room = toy / "tests/constructions/proof"
    work = "    while time.process_time() < 0.3 + start:\n        pass"
    first = f"def test_clipped():\n    start = time.process_time()\n{work}"
    slow = TOY_TEST.replace("def test_clipped():", first)
    (room / "test_toy.py").unlink()
    (room / "toy").mkdir()
    for path, survive in (
        ("toy/test_limits.py", 1),
        ("test_toy_limits.py", 1),
        ("test_other.py", 7),
    ):
        (room / path).write_text(f"import time\n{slow}", encoding="utf-8")
        assert f"7 mutants, 0 listed, {survive} survive" in mutate(toy).stdout
        (room / path).unlink()


def test_tests_that_are_not_there_any_more_are_not_red(toy):
    named = """
import pytest
from constructions.proof.toy import LIMIT, clipped


@pytest.mark.parametrize("limit", [LIMIT])
def test_clipped(limit):
    assert [clipped(x) for x in (1, 3, 5)] == [1, 3, 3]
"""
    (toy / "tests/constructions/proof/test_toy.py").write_text(named, encoding="utf-8")
    found = mutate(toy).stdout
    assert "    LIMIT = 3\n        3 -> 2: \n        3 -> 4: \n" in found
