"""The `geomcore` command: help, status and what it says of wrong use."""

import inspect
import json
import subprocess
import sys
from importlib.metadata import version
from itertools import pairwise

import numpy as np
import pytest

from geomcore import ReLUNetwork, save
from training.commands.cli import _named_as_options, app, main

COMMANDS = tuple(command.callback.__name__ for command in app.registered_commands)
HEAVY = ("numba", "matplotlib", "cvxpy", "pandas", "scipy")
# Help needs none of the library itself, which takes as long to load as the parser.
NOT_FOR_HELP = (*HEAVY, "numpy", "geomcore")


# Loads the command and no more; each line that it reads starts a process of its own from there.
FROM_HERE = """
import json, os, sys
from training.commands.cli import main

for line in sys.stdin:
    arguments, folder, heavy = json.loads(line)
    child = os.fork()
    if not child:
        os.chdir(folder)
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(name, os.O_CREAT | os.O_WRONLY), number)
        status = main(arguments)
        print("loaded:", *(set(heavy) & set(sys.modules)), flush=True)
        os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def loaded_once():
    """A process that has loaded the command and waits."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", FROM_HERE], **pipes) as process:
        yield process
        process.stdin.close()


@pytest.fixture
def alone(loaded_once, tmp_path, tmp_path_factory):
    """The command in a process of its own, and which heavy packages it has loaded."""

    def run(*arguments, heavy=HEAVY):
        said = tmp_path_factory.mktemp("said")
        print(json.dumps([arguments, str(tmp_path), heavy]), file=loaded_once.stdin, flush=True)
        status = int(loaded_once.stdout.readline())
        written = [(tmp_path / name).rename(said / name).read_text() for name in ("out", "err")]
        text, _, loaded = written[0].rpartition("loaded:")
        return status, text, written[1], loaded.split()

    return run


# Laws


@pytest.mark.parametrize("arguments", [["--help"], []])
def test_help_lists_all_commands_without_loading_what_they_need(arguments, alone):
    status, text, _, loaded = alone(*arguments, heavy=NOT_FOR_HELP)
    assert (status, loaded) == (0, [])
    listed = text.split("Commands:")[1].splitlines()
    assert [line.split()[0] for line in listed if line.startswith("  ") and line[2] != " "] == list(
        COMMANDS
    )
    assert not [line for line in listed if line.endswith("...")], "a sentence is cut off"


def test_the_version_is_that_of_the_package(alone):
    status, text, error, loaded = alone("--version", heavy=NOT_FOR_HELP)
    assert (status, text, error, loaded) == (0, f"geomcore {version('geomcore')}\n", "", [])


@pytest.mark.parametrize(
    "arguments",
    [
        ["construct", "cluster"],
        ["verify", "net.npz", "clusters", "--loss", "hinge"],
        [
            "verify",
            "net.npz",
            "clusters",
            "--loss",
            "cross_entropy",
            "--targets",
            "0,0,3;0,3,0;3,0,0",
        ],
        ["verify", "net.npz", "clusters", "--weight-decay", "inf"],
        ["verify", "net.npz", "clusters", "--step", "0"],
        ["check", "no.json", "net.npz", "clusters"],
        ["check", "net.npz", "net.npz", "clusters"],
        ["settle", "net.npz", "clusters", "--loss", "hinge"],
        ["settle", "net.npz", "clusters", "--loss", "bce", "--targets", "0,0,3;0,3,0;3,0,0"],
        ["settle", "net.npz", "clusters", "--weight-decay", "inf"],
        ["settle", "net.npz", "clusters", "--seconds", "-5"],
        ["settle", "wide.npz", "clusters"],
        ["study", "cluster"],
        ["study", "clusters", "--scales", "a,b"],
        ["study", "clusters", "--scales", "-1"],
        ["study", "clusters", "--tolerance", "-1"],
        ["study", "clusters", "--learning-rate", "nan"],
        ["study", "clusters", "--tensors", "paint"],
        ["study", "clusters", "--network", "no.npz"],
        ["study", "clusters", "--network", "small.npz"],
        ["study", "clusters", "--resume"],
        ["minima", "cluster"],
        ["dynamics", "cluster"],
        ["landscape", "no.npz", "clusters"],
        ["landscape", "net.npz", "clusters", "--loss", "hinge"],
        ["landscape", "net.npz", "clusters", "--weight-decay", "inf"],
        ["landscape", "net.npz", "clusters", "--points", "4"],
        ["landscape", "small.npz", "clusters"],
        ["landscape", "net.npz", "clusters", "--to", "wide.npz"],
        ["regions", "no.npz", "clusters"],
        ["regions", "net.npz"],
        ["regions", "net.npz", "clusters", "--axes", "1"],
        ["regions", "small.npz", "clusters"],
        ["census", "cluster", "--widths", "3,3"],
        ["optimum", "cluster"],
        ["optimum", "clusters", "--weight-decay", "0"],
        ["optimum", "clusters", "--network", "small.npz"],
        ["optimum", "clusters", "--seconds", "-5"],
        ["trained", "--digits", "a"],
        ["mesa", "--seeds", "0"],
        ["kernels", "--seed", "-1"],
        ["nonneg", "--seeds", "0"],
    ],
    ids=" ".join,
)
def test_wrong_use_is_refused_in_one_line_before_anything_heavy_is_loaded(
    arguments, alone, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    for name, widths in (("net", (3, 3, 3)), ("small", (2, 2)), ("wide", (3, 500, 3))):
        pairs = [(np.ones((n, m)), np.ones(n)) for m, n in pairwise(widths)]
        save(ReLUNetwork(*map(list, zip(*pairs, strict=True))), tmp_path / f"{name}.npz")
    status, text, error, loaded = alone(*arguments)
    assert (status, text, loaded) == (2, "", [])
    assert error.startswith("geomcore: ") and len(error.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("command", "option", "value"),
    [
        ("study", "--tolerance", "-1"),
        ("study", "--scales", "-1"),
        ("study", "--learning-rate", "nan"),
        ("study", "--tensors", "W9"),
        ("construct", "--method", "paint"),
    ],
)
def test_messages_name_options_and_not_arguments_of_functions(
    command, option, value, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main([command, "clusters", option, value, "--quiet"]) == 2
    assert capsys.readouterr().err.startswith(f"geomcore: {option} must be ")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("give targets= or seed= 3", "give --targets or --seed 3"),
        ("method='universal' accepts one", "--method universal accepts one"),
        ("y=3, path= and hidden_width=", "y=3, path= and hidden_width="),
        ("there is no file seed=3.csv", "there is no file seed=3.csv"),
        ("drop_missing must be True", "--drop-missing must be True"),
        ("--label= must be one", "--label= must be one"),
    ],
)
def test_arguments_in_a_sentence_become_options_of_the_command(text, told):
    assert _named_as_options(text, ["construct", "wine"]) == told
    assert _named_as_options(text, ["wine"]) == text


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_is_its_docstring_and_options_without_loading_what_it_needs(
    command, alone
):
    status, text, _, loaded = alone(command, "--help", heavy=NOT_FOR_HELP)
    assert (status, loaded) == (0, [])
    functions = {one.callback.__name__: one.callback for one in app.registered_commands}
    function = functions[command]
    assert " ".join(inspect.getdoc(function).split()) in " ".join(text.split())
    for option in ("--seed", "--out", "--jobs", "--quiet"):
        assert option in text
    assert "--force" in text or command == "study"


@pytest.mark.parametrize(
    "arguments", [["paint"], *([command, "--frobnicate"] for command in COMMANDS), ["construct"]]
)
def test_usage_errors_come_without_loading_what_commands_need(arguments, alone):
    status, text, error, loaded = alone(*arguments)
    assert (status, text, loaded) == (2, "", [])
    assert error.startswith("geomcore: ") and error.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["construct", "missing.csv"],
        ["settle", "missing.npz", "clusters"],
        ["trained", "--mnist", "missing"],
        ["census", "missing.csv", "--widths", "2,3"],
        ["dynamics", "missing.csv"],
        ["minima", "missing.csv"],
    ],
)
def test_files_that_are_missing_are_told_without_loading_what_commands_need(arguments, alone):
    status, text, error, loaded = alone(*arguments)
    assert (status, text, loaded) == (2, "", [])
    assert "missing" in error and error.count("\n") == 1


# Bad input


def pickled(path):
    np.savez(path, X=np.array([{}], dtype=object), y=np.array([0]))
    return path


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["construct", "no_such_data"], "DATA must be one of clusters"),
        (["construct", "missing.csv"], "no such file"),
        (["construct", "clusters", "--method", "magic"], "magic"),
        (["construct", "clusters", "--method", "two-layer"], "see geomcore optimum"),
        (["construct", "clusters", "--label", "x"], "--label goes with CSV"),
        (["construct", "iris", "--seed", "-1"], "--seed must be a whole number, at least 0, got"),
        (["construct", "--seed=a", "iris"], "--seed must be a whole number, at least 0, got 'a'"),
        (["construct", "iris", "--seed"], "'--seed'"),
        (["construct", "iris", "--jobs", "0"], "--jobs must be a whole number from 1 to 4,096"),
        (["construct", "clusters", "--jobs", "9" * 30], "--jobs must be a whole number from 1 to"),
        (["minima", "--radius", "wide"], "--radius must be a number, got 'wide'"),
        (["minima", "--scale", "x"], "--scale must be a number from 0 to 1e+100, got 'x'"),
        (["study", "iris", "--trials", "2.5"], "--trials must be a whole number, at least 1, got"),
        (["construct", "clusters", "--seed", "9" * 9000], "--seed"),
        (["minima", "--points", "9" * 9], "--points"),
        (["minima", "--trials", "9" * 9], "--trials"),
        (["minima", "--steps", "9" * 30], "--steps"),
        (["minima", "--scale", "inf"], "--scale"),
        (["minima", "--scale", "nan"], "--scale"),
        (["minima", "--radius", "nan"], "radius"),
        (["construct"], "DATA is missing, see geomcore construct --help"),
        (["check", "c.json"], "NETWORK is missing, see geomcore check --help"),
        (["verify", "missing.npz", "clusters"], "no such file"),
        (["verify", "iris", "wide.npz"], "iris is a data set; NETWORK comes before DATA"),
        (["minima", "iris", "--classes", "4"], "--classes speaks of balls, it goes without DATA"),
        (["minima", "iris", "--points", "4"], "--points speaks of balls, it goes without DATA"),
        (["verify", "text.csv", "clusters"], "text.csv"),
        (["construct", "pickled.npz"], "pickle"),
        (["construct", "short.csv"], "short.csv"),
        (["construct", "contradiction.csv"], "rows 0 and 2"),
        (["construct", "one_class.csv"], "at least two classes"),
        (["verify", "wide.npz", "clusters"], "columns"),
        (["construct", "clusters", "--out", "taken"], "holds other files"),
        (["construct", "clusters", "--out", "text.csv"], "is a file"),
        (["construct", "clusters", "--out", "text.csv/run"], "cannot be written"),
        (["paint"], "No such command 'paint'; see geomcore --help"),
        (["construct", "clusters", "--frobnicate"], "frobnicate"),
    ],
)
def test_wrong_use_ends_with_status_two_and_one_line(run, tmp_path, arguments, reason):
    (tmp_path / "text.csv").write_text("u,v,kind\n1,2,a\n3,4,b\n")
    (tmp_path / "short.csv").write_text("u,v,kind\n1,2,a\n3,b\n")
    (tmp_path / "contradiction.csv").write_text("0,1,a\n2,3,b\n0,1,b\n")
    (tmp_path / "one_class.csv").write_text("0,1,a\n2,3,a\n")
    pickled(tmp_path / "pickled.npz")
    save(ReLUNetwork([np.eye(5)], [np.zeros(5)]), tmp_path / "wide.npz")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("mine")
    status, _, err = run(*arguments)
    lines = [line for line in err.splitlines() if line not in ("constructing", "verifying")]
    assert status == 2
    assert len(lines) == 1
    assert lines[0].startswith("geomcore: ")
    assert reason in lines[0]
    assert (tmp_path / "taken" / "thesis.txt").read_text() == "mine"
    assert not list(tmp_path.glob(".*")), "a draft folder was left"


@pytest.mark.parametrize(
    "arguments",
    [
        ["construct", "\x1b[2J\r" + "x" * 200 + ".csv"],
        ["construct", "y" * 100_000],
        ["construct", "clusters", "--method", "z\u202e\n" * 10_000],
        ["construct", "clusters", "--label", "\ud800" * 1000],
        ["paint" * 1000],
        ["verify", "x" * 5000, "clusters"],
    ],
)
def test_the_line_that_says_what_was_wrong_is_short_and_has_no_control_characters(run, arguments):
    status, _, err = run(*arguments)
    line = err.splitlines()[-1]
    assert status == 2
    assert err.endswith("\n") and line.startswith("geomcore: ")
    assert line.isprintable() and len(line) <= 300


def test_what_is_too_large_for_the_memory_ends_in_one_line(run, monkeypatch):
    def too_large(*arguments, **options):
        return np.empty((10**9, 10**6))

    monkeypatch.setattr("training.commands.arguments.data.load_data", too_large)
    status, _, err = run("construct", "clusters")
    assert (status, err.count("\n")) == (2, 1)
    assert "Unable to allocate" in err


def test_a_mistake_of_the_program_is_not_told_as_one_of_the_user(run, monkeypatch):
    def mistaken(*arguments, **options):
        return {}["no such key"]

    monkeypatch.setattr("training.commands.arguments.data.load_data", mistaken)
    with pytest.raises(KeyError):
        run("construct", "clusters")
