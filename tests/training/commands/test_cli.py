"""The command line, as a user meets it."""

import csv
import errno
import json
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from constructions import Certificate
from geomcore import ReLUNetwork, datasets, load, save
from training.commands.case import Case
from training.commands.cli import main


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(capsys, *arguments):
    status = main([str(a) for a in arguments])
    out, err = capsys.readouterr()
    return status, out, err


def write_csv(path, X, y, header=("u", "v", "kind")):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([*x, label] for x, label in zip(X, y, strict=True))
    return path


def small_table(path):
    X = [[0, 0], [0.1, 0.2], [3, 0], [3, 0.2], [0, 3], [0.1, 3.2]]
    return write_csv(path, X, ["a", "a", "b", "b", "c", "c"])


# By hand


def test_construct_writes_a_run_folder_whose_network_verify_proves(capsys, tmp_path):
    table = small_table(tmp_path / "flowers.csv")
    status, out, _ = run(capsys, "construct", table, "--out", "made")
    assert status == 0
    assert "verdict            global minimum (proved)" in out
    folder = tmp_path / "made"
    certificate = Certificate.from_json((folder / "certificate.json").read_text())
    assert certificate.verdict == "global minimum"
    assert certificate.loss <= 1e-20
    net = load(folder / "network.npz")
    np.testing.assert_allclose(net([[0.0, 0.0]]), [[1, 0, 0]], atol=1e-9)
    record = json.loads((folder / "run.json").read_text())
    assert record["arguments"]["data"] == str(table)
    assert "<img" in (folder / "index.html").read_text()
    status, out, _ = run(capsys, "verify", folder / "network.npz", table, "--out", "checked")
    assert status == 0
    assert "global minimum (proved)" in out


def test_verify_of_an_untrained_network_ends_with_status_one(capsys, tmp_path):
    rng = np.random.default_rng(0)
    save(
        ReLUNetwork([rng.normal(size=(4, 2)), rng.normal(size=(3, 4))], [np.ones(4), np.ones(3)]),
        tmp_path / "net.npz",
    )
    status, out, _ = run(capsys, "verify", "net.npz", small_table(tmp_path / "t.csv"))
    assert status == 1
    assert "(proved)" not in out.splitlines()[0] or "global minimum" not in out.splitlines()[0]
    assert (tmp_path / "runs" / "verify-t" / "certificate.json").exists()


def test_a_method_that_does_not_apply_ends_with_status_one_and_its_reason(capsys, tmp_path):
    status, out, _ = run(capsys, "construct", "concentric", "--method", "clustered")
    assert status == 1
    assert "clustered:" in out
    folder = tmp_path / "runs" / "construct-concentric"
    assert json.loads((folder / "refusal.json").read_text())["reasons"]["clustered"]
    assert "No construction applies" in (folder / "index.html").read_text()


def test_label_column_is_chosen_by_name_or_number(capsys, tmp_path):
    rows = [[0.0, "a", 0.0], [0.2, "a", 0.1], [3.0, "b", 3.0], [3.1, "b", 2.9]]
    write_csv(tmp_path / "t.csv", [r[:2] for r in rows], [r[2] for r in rows], ("u", "k", "v"))
    for label in ("k", "1"):
        assert run(capsys, "construct", "t.csv", "--label", label, "--quiet")[0] == 0


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    out = tmp_path_factory.mktemp("smoke") / "run"
    return main(["quickstart", "--smoke", "--quiet", "--out", str(out)]), out


def test_quickstart_leaves_a_page_that_needs_nothing_from_outside(smoke):
    status, out = smoke
    assert status == 0
    page = (out / "index.html").read_text()
    for address in ("http://", "https://", "//cdn", "<script"):
        assert address not in page
    sources = [part.split('"')[0] for part in page.split('src="')[1:]]
    links = [part.split('"')[0] for part in page.split('href="')[1:]]
    assert len(sources) >= 16
    for name in sources + [link for link in links if not link.startswith("#")]:
        assert (out / name).is_file()


def test_quickstart_leaves_networks_tables_and_certificates(smoke):
    _, out = smoke
    for name in ("clusters", "sequential", "single_cone", "concentric"):
        data = getattr(datasets, name)(rng=0)
        error = load(out / f"{name}-network.npz")(data.X) - np.eye(data.y.max() + 1)[data.y]
        assert np.mean(np.sum(error**2, axis=1)) <= 1e-20
        with open(out / f"{name}-trials.csv") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == 6
        assert {row["scale"] for row in rows} == {"0.01", "0.1"}
    with open(out / "table.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["verdict"] for row in rows] == ["global minimum"] * 4
    assert [row["method"] for row in rows] == ["clustered", "sequential", "cone", "simplex"]


def test_a_data_set_that_is_refused_first_does_not_end_the_quickstart(monkeypatch, tmp_path):
    construct = Case.construct

    def refuse_clusters(case, method="auto"):
        construct(case, "clustered" if case.name == "clusters" else method)

    crowded = partial(datasets.clusters, radius=0.3)
    monkeypatch.setattr(datasets, "clusters", crowded)
    monkeypatch.setattr(Case, "construct", refuse_clusters)
    assert main(["quickstart", "--smoke", "--quiet", "--out", str(tmp_path / "run")]) == 1
    with open(tmp_path / "run" / "table.csv") as file:
        verdicts = [row["verdict"] for row in csv.DictReader(file)]
    assert verdicts == ["no method applies"] + ["global minimum"] * 3


# Laws


def test_same_seed_gives_the_same_network_and_another_seed_another_one(capsys, tmp_path):
    for out, seed in (("one", 1), ("again", 1), ("two", 2)):
        run(capsys, "construct", "clusters", "--seed", seed, "--out", out, "-q")
    one, again, two = (load(tmp_path / out / "network.npz") for out in ("one", "again", "two"))
    assert one == again
    assert one != two


def test_progress_goes_to_standard_error_line_by_line_and_quiet_silences_it(capsys, tmp_path):
    table = small_table(tmp_path / "t.csv")
    _, out, err = run(capsys, "construct", table)
    assert err.splitlines() == ["constructing", "verifying", "drawing"]
    _, quiet_out, quiet_err = run(capsys, "construct", table, "--quiet")
    assert quiet_err == ""
    assert quiet_out == out


def test_help_is_shown_without_loading_what_commands_need():
    code = (
        "import sys; from training.commands.cli import main; status = main(['--help']);"
        "heavy = {'numba', 'matplotlib', 'cvxpy', 'pandas', 'scipy'} & set(sys.modules);"
        "sys.exit(status or len(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "quickstart" in done.stdout


def test_the_number_of_threads_does_not_change_the_trials(smoke, tmp_path):
    _, out = smoke
    assert main(["quickstart", "--smoke", "-q", "--jobs", "1", "--out", str(tmp_path / "one")]) == 0
    for name in ("clusters", "sequential", "single_cone", "concentric"):
        table = f"{name}-trials.csv"
        assert (tmp_path / "one" / table).read_text() == (out / table).read_text()


# Bad input


def test_a_full_disk_is_one_line_and_leaves_the_earlier_run(capsys, tmp_path, monkeypatch):
    table = small_table(tmp_path / "t.csv")
    run(capsys, "construct", table, "--out", "made")
    before = {p.name: p.read_bytes() for p in (tmp_path / "made").iterdir()}

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("training.output.folder.RunFolder.text", full)
    status, _, err = run(capsys, "construct", table, "--out", "made", "--seed", "1", "-q")
    assert status == 2
    assert len(err.splitlines()) == 1
    assert "No space left" in err
    assert {p.name: p.read_bytes() for p in (tmp_path / "made").iterdir()} == before


def pickled(path):
    np.savez(path, X=np.array([{}], dtype=object), y=np.array([0]))
    return path


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["construct", "no_such_data"], "DATA must be one of clusters"),
        (["construct", "missing.csv"], "no such file"),
        (["construct", "clusters", "--method", "magic"], "magic"),
        (["construct", "clusters", "--label", "x"], "--label goes with CSV"),
        (["construct", "clusters", "--seed", "-1"], "--seed"),
        (["construct", "clusters", "--jobs", "0"], "--jobs"),
        (["construct"], "data"),
        (["verify", "missing.npz", "clusters"], "no such file"),
        (["verify", "text.csv", "clusters"], "text.csv"),
        (["construct", "pickled.npz"], "pickle"),
        (["construct", "short.csv"], "short.csv"),
        (["construct", "contradiction.csv"], "rows 0 and 2"),
        (["construct", "one_class.csv"], "at least two classes"),
        (["verify", "wide.npz", "clusters"], "columns"),
        (["construct", "clusters", "--out", "taken"], "holds other files"),
        (["construct", "clusters", "--out", "text.csv"], "is a file"),
        (["construct", "clusters", "--out", "text.csv/run"], "cannot be written"),
        (["paint"], "paint"),
        (["construct", "clusters", "--frobnicate"], "frobnicate"),
    ],
)
def test_wrong_use_ends_with_status_two_and_one_line(capsys, tmp_path, arguments, reason):
    (tmp_path / "text.csv").write_text("u,v,kind\n1,2,a\n3,4,b\n")
    (tmp_path / "short.csv").write_text("u,v,kind\n1,2,a\n3,b\n")
    (tmp_path / "contradiction.csv").write_text("0,1,a\n2,3,b\n0,1,b\n")
    (tmp_path / "one_class.csv").write_text("0,1,a\n2,3,a\n")
    pickled(tmp_path / "pickled.npz")
    save(ReLUNetwork([np.eye(5)], [np.zeros(5)]), tmp_path / "wide.npz")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("mine")
    status, _, err = run(capsys, *arguments)
    lines = [line for line in err.splitlines() if line not in ("constructing", "verifying")]
    assert status == 2
    assert len(lines) == 1
    assert lines[0].startswith("geomcore: ")
    assert reason in lines[0]
    assert (tmp_path / "taken" / "thesis.txt").read_text() == "mine"
    assert not list(tmp_path.glob(".*")), "a draft folder was left"


def test_missing_scikit_learn_is_named_in_one_line(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    status, _, err = run(capsys, "construct", "digits")
    assert status == 2
    assert len(err.splitlines()) == 1
    assert "scikit-learn" in err
