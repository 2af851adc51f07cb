"""References that are no minimum of what studies train with."""

import numpy as np

from constructions import verify
from geomcore import ReLUNetwork, save
from training.commands.cases.another_loss import told_loss, told_reference

X, Y = [[0.0], [1.0]], [[0.0], [1.0]]
# Squared error 0; with weight decay no minimum.
NET = ReLUNetwork([[[1.0]], [[1.0]]], [[1.0], [-1.0]])


def test_of_a_minimum_there_is_nothing_to_be_told():
    assert told_reference(verify(NET, X, Y)) == ""


def test_what_is_stationary_for_another_loss_only_is_told():
    off = ReLUNetwork([[[1.0]], [[1.0]]], [[1.0], [0.0]])
    assert "is not stationary for the mean squared error, which" in told_reference(
        verify(off, X, Y)
    )


def test_a_certificate_beside_the_network_tells_its_loss_if_it_is_of_this_network(tmp_path):
    save(NET, tmp_path / "network.npz")
    assert told_loss(NET, tmp_path) == ""  # there is none
    path = tmp_path / "certificate.json"
    path.write_text(verify(NET, X, Y).to_json())
    assert told_loss(NET, tmp_path) == ""
    path.write_text(verify(NET, X, Y, loss="bce", weight_decay=0.5).to_json())
    told = "the mean binary cross-entropy on its targets with weight decay 0.5."
    assert told_loss(NET, tmp_path) == f"Its certificate.json is about another loss, {told}"
    assert told_loss(ReLUNetwork([np.eye(1)], [[0.5]]), tmp_path) == ""
    path.write_text("{}")
    assert told_loss(NET, tmp_path) == ""


def test_a_study_of_such_a_network_says_so(run, tmp_path):
    np.savez("own.npz", X=np.array(X), y=np.array(Y))
    (tmp_path / "made").mkdir()
    off = ReLUNetwork([[[1.0]], [[1.0]]], [[1.0], [0.0]])
    save(off, tmp_path / "made" / "network.npz")
    (tmp_path / "made" / "certificate.json").write_text(verify(off, X, Y, loss="bce").to_json())
    more = ("--network", "made/network.npz", "--trials", "1", "--steps", "1", "--scales", "0.1")
    status, out, _ = run("study", "own.npz", *more, "--out", "s")
    told = " ".join(out.split())
    assert status == 0 and "is not stationary for the mean squared error, which studies" in told
    assert "certificate.json is about another loss, the mean binary cross-entropy" in told
    assert "is not stationary for the mean squared error" in (tmp_path / "s/index.html").read_text()
