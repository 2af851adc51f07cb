"""`geomcore settle`, as a user meets it."""

import numpy as np
import pytest
from settling_problems import on_a_kink

from constructions import Certificate
from geomcore import ReLUNetwork, load, save


@pytest.fixture
def trained(tmp_path):
    """A network near one that separates the three classes of the table."""
    rng = np.random.default_rng(1)
    net = ReLUNetwork(
        [rng.normal(size=(6, 2)), 0.3 * rng.normal(size=(3, 6))], [np.ones(6), np.ones(3) / 3]
    )
    return save(net, tmp_path / "net.npz") or tmp_path / "net.npz"


@pytest.mark.usefixtures("in_full")
def test_a_trained_network_is_settled_and_what_it_is_is_proved(run, table, trained, tmp_path):
    status, out, err = run("settle", trained, table, "--out", "x")
    found = Certificate.from_file(tmp_path / "x" / "certificate.json")
    assert status == 0 and found.proved
    assert found.verdict in ("global minimum", "local minimum")
    assert "critical point" in out and f"verdict            {found.verdict} (proved)" in out
    assert err.splitlines()[0] == "settling"
    settled = load(tmp_path / "x" / "network.npz")
    assert settled.widths == (2, 6, 3) and settled != load(trained)
    text = (tmp_path / "x" / "index.html").read_text(encoding="utf-8")
    assert f"Verdict: {found.verdict}, proved." in text
    for part in ("How it came there", "Units on their kink", "Layer by layer", "Linear regions"):
        assert f"<h2>{part}</h2>" in text
    for key in ("spectrum", "cones", "regions"):
        assert (f'src="flowers-{key}.png"' in text) == (
            tmp_path / "x" / f"flowers-{key}.png"
        ).exists()
    layers = (tmp_path / "x" / "layers.csv").read_text().splitlines()
    assert len(layers) == 2 and layers[0].startswith("layer,units,dead,rank,is_cone")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--seconds", "0"], "--seconds must be"),
        (["--seconds", "nan"], "--seconds must be"),
        (["--seconds", "-5"], "--seconds must be"),
        (["--loss", "hinge"], "--loss must be"),
        (["--weight-decay", "inf"], "--weight-decay must be"),
    ],
)
def test_wrong_use_ends_with_one_line_and_leaves_nothing(
    run, table, trained, tmp_path, arguments, reason
):
    status, _, err = run("settle", trained, table, "--out", "x", *arguments)
    assert status == 2 and len(err.splitlines()) == 1
    assert reason in err
    assert not (tmp_path / "x").exists()


def test_a_network_that_may_not_be_settled_is_warned_of_first(run, table, trained, monkeypatch):
    monkeypatch.setattr("training.settling.arguments.MANY_PARAMETERS", 10)
    monkeypatch.setattr("training.settling.arguments.MANY_NUMBERS", 10)
    _, out, err = run("settle", trained, table, "--out", "x")
    assert "may not be settled in time" in " ".join((out + err).split())
    assert "may not be settled" not in "".join(
        run("settle", trained, table, "-q", "--out", "y")[1:]
    )


def test_a_network_that_does_not_fit_the_data_is_refused(run, table, tmp_path):
    save(ReLUNetwork([np.ones((2, 5))], [np.zeros(2)]), tmp_path / "other.npz")
    status, _, err = run("settle", "other.npz", table, "-q")
    assert status == 2 and len(err.splitlines()) == 1


def test_one_output_and_two_labels_need_targets_which_the_sentence_names(run, tmp_path):
    (tmp_path / "two.csv").write_text("u,kind\n0,a\n1,b\n3,b\n")
    save(ReLUNetwork([np.ones((2, 1)), np.ones((1, 2))], [[0, 1], [0]]), tmp_path / "one.npz")
    status, _, err = run("settle", "one.npz", "two.csv", "-q")
    assert status == 2 and err.count("\n") == 1
    assert "NETWORK has 1 output, but DATA has 2 classes" in err and "--targets 0,1" in err
    assert run("settle", "one.npz", "two.csv", "--targets", "0,1", "-q", "--out", "x")[0] == 0
    page = (tmp_path / "x" / "index.html").read_text(encoding="utf-8")
    assert "minimum, proved." in page and "a (1) as 0, b (2) as 1" in page


def test_a_network_in_a_run_folder_is_settled_into_another_one(run, table, trained, tmp_path):
    assert run("settle", trained, table, "-q")[0] == 0
    first = tmp_path / "runs" / "settle-net-flowers"
    before = {path.name: path.read_bytes() for path in first.iterdir()}
    status, out, err = run("settle", first / "network.npz", table, "-q")
    assert status == 0 and "settle-network-flowers" in out and ".kept" not in err
    assert {path.name: path.read_bytes() for path in first.iterdir()} == before
    # and that one into a third, though the first part of its name is the same
    second = tmp_path / "runs" / "settle-network-flowers"
    status, out, _ = run("settle", second / "network.npz", table, "-q")
    assert status == 0 and "settle-network-flowers-2" in out


def test_a_network_on_a_kink_has_its_kinks_on_the_page_and_in_a_table(run, tmp_path):
    net, X, Y = on_a_kink()
    save(net, tmp_path / "kink.npz")
    np.savez(tmp_path / "points.npz", X=X, y=Y)
    assert run("settle", "kink.npz", "points.npz", "-q", "--out", "x")[0] == 0
    kinks = (tmp_path / "x" / "kinks.csv").read_text().splitlines()
    assert len(kinks) == 2
    text = (tmp_path / "x" / "index.html").read_text(encoding="utf-8")
    row = text[text.index("<th>of at most</th>") :]
    layer, point, unit = kinks[1].split(",")[:3]
    assert f"<td>{layer}</td><td>{point}</td><td>{unit}</td>" in row


def test_another_loss_is_settled_and_noted(run, table, trained, tmp_path):
    status, _, err = run("settle", trained, table, "-q", "--loss", "hinge", "--out", "x")
    assert status == 2 and len(err.splitlines()) == 1 and "loss must be one of" in err
    status, _, err = run("settle", trained, table, "-q", "--weight-decay", "-1", "--out", "x")
    assert status == 2 and not (tmp_path / "x").exists()


def nearest_centre():
    """A network whose largest output is that of the centre nearest to a point of the table."""
    centres = np.array([[0.05, 0.1], [3, 0.1], [0.05, 3.1]])
    W, b = 2 * centres, -(centres**2).sum(axis=1)
    return ReLUNetwork(
        [np.vstack([W, -W]), np.hstack([np.eye(3), -np.eye(3)])], [np.r_[b, -b], np.zeros(3)]
    )


def test_a_cross_entropy_of_points_that_are_told_apart_is_said_to_have_no_minimum(
    run, table, tmp_path
):
    save(nearest_centre(), tmp_path / "net.npz")
    status, out, _ = run("settle", "net.npz", table, "-q", "--loss", "cross_entropy", "--out", "x")
    told = "all points are told apart, so larger weights bring the loss to zero"
    assert status == 1 and told in " ".join(out.split()) and "norms grow" not in out
    assert "not stationary (proved)" in out and "settle brings it" not in out
    assert told in (tmp_path / "x" / "index.html").read_text(encoding="utf-8")


def test_labels_in_another_order_than_the_outputs_are_told(run, table, tmp_path):
    hidden = nearest_centre()
    order = [1, 2, 0]
    shuffled = ReLUNetwork([hidden.weights[0], hidden.weights[1][order]], hidden.biases)
    save(hidden, tmp_path / "right.npz")
    save(shuffled, tmp_path / "shuffled.npz")
    for name, is_told in (("right", False), ("shuffled", True)):
        out = run("settle", f"{name}.npz", table, "-q", "--seconds", "5", "--out", name)[1]
        page = (tmp_path / name / "index.html").read_text(encoding="utf-8")
        for text in (" ".join(out.split()), page):
            assert ("0.0% of the points by their own class, and 100.0%" in text) == is_told
            assert ("those of a as c, those of b as a, those of c as b" in text) == is_told
            assert "of the network as stored" in text
