"""`geomcore quickstart`, as a user meets it."""

import csv
import json
from functools import partial

import numpy as np
import pytest

from geomcore import datasets, load
from training.commands.cases.case import Case
from training.commands.cli import main


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    out = tmp_path_factory.mktemp("smoke") / "run"
    return main(["quickstart", "--smoke", "--quiet", "--out", str(out)]), out


# By hand


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
    record = json.loads((out / "run.json").read_text())
    assert record["arguments"].keys() == {"jobs", "smoke"}
    assert record["arguments"]["smoke"] is True
    assert [row["method"] for row in rows] == ["clustered", "sequential", "cone", "simplex"]


def test_a_data_set_that_is_refused_first_does_not_end_the_quickstart(monkeypatch, tmp_path):
    construct = Case.construct

    def refuse_clusters(case, method="auto"):
        construct(case, "clustered" if case.name == "clusters" else method)

    crowded = partial(datasets.clusters, radius=0.3)
    monkeypatch.setattr(datasets, "clusters", crowded)
    monkeypatch.setattr(Case, "construct", refuse_clusters)
    monkeypatch.setattr("training.commands.quickstart.SYNTHETIC", ("clusters", "sequential"))
    assert main(["quickstart", "--smoke", "--quiet", "--out", str(tmp_path / "run")]) == 1
    with open(tmp_path / "run" / "table.csv") as file:
        verdicts = [row["verdict"] for row in csv.DictReader(file)]
    assert verdicts == ["no method applies", "global minimum"]


# Laws


def test_the_number_of_threads_does_not_change_the_trials(smoke, monkeypatch, tmp_path):
    _, out = smoke
    names = ("clusters", "sequential")
    monkeypatch.setattr("training.commands.quickstart.SYNTHETIC", names)
    assert main(["quickstart", "--smoke", "-q", "--jobs", "1", "--out", str(tmp_path / "one")]) == 0
    for name in names:
        table = f"{name}-trials.csv"
        assert (tmp_path / "one" / table).read_text() == (out / table).read_text()
