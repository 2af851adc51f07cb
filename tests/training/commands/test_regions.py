"""`geomcore regions` leaves polygons and pictures, and says what does not fit."""

import numpy as np
import pandas as pd
import pytest
from builders import random_network

from geomcore import ReLUNetwork, save


@pytest.fixture
def networks(tmp_path):
    save(random_network((4, 6, 3), 0, scaled=True), tmp_path / "four.npz")
    save(ReLUNetwork([np.eye(2), [[1.0, 1.0]]], [[0.0, 0.0], [-0.5]]), tmp_path / "two.npz")
    save(random_network((1, 2, 1), 0), tmp_path / "one.npz")
    return tmp_path


@pytest.mark.usefixtures("in_full")
def test_regions_with_data_over_them(run, networks):
    status, out, _ = run("regions", "four.npz", "iris", "--out", "r")
    assert status == 0 and "linear regions" in out
    frame, arrays = (
        pd.read_csv(networks / "r" / "regions.csv"),
        np.load(networks / "r" / "regions.npz"),
    )
    assert len(frame) == len(arrays["starts"]) - 1
    size = np.prod(np.diff(arrays["box"]))
    assert frame["area"].sum() == pytest.approx(size, rel=1e-9)
    page = (networks / "r" / "index.html").read_text()
    assert "regions-answers.png" in page and "of their spread is off the plane" in page


@pytest.mark.usefixtures("in_full")
def test_regions_in_a_box(run, networks):
    status, out, _ = run("regions", "two.npz", "--box=-1,1,-1,1", "--out", "r")
    assert status == 0 and "4 linear regions" in out
    assert pd.read_csv(networks / "r" / "regions.csv")["area"].tolist() == [1.0] * 4


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("two.npz",), "--box is missing"),
        (("one.npz", "--box", "0,1,0,1"), "NETWORK must have at least two inputs"),
        (("two.npz", "--box", "0,1"), "--box must be 4 numbers"),
        (("two.npz", "--box", "1,0,0,1"), "--box must be two pairs of numbers, the lower end"),
        (("two.npz", "--box", "0,0,0,1"), "lower end first, got '0,0,0,1'"),
        (("two.npz", "--box", "0,1e200,0,1"), "--box must have ends up to 1e+100"),
        (("two.npz", "--axes", "0,7"), "--axes must be two different numbers from 0 to 1"),
        (("two.npz", "--origin", "7"), "--origin must be 2 numbers"),
        (("two.npz", "--box", "0,1,0,1", "--axes", "0,2"), "--axes must be two different numbers"),
        (("two.npz", "--box", "0,1,0,1", "--axes", "0,0"), "--axes must be two different numbers"),
        (("two.npz", "--box", "0,1,0,1", "--origin", "0"), "--origin must be 2 numbers"),
        (("two.npz", "iris"), "NETWORK takes 2 inputs"),
    ],
)
def test_wrong_calls_end_in_one_line(run, networks, options, told):
    status, _, err = run("regions", *options, "--out", "r")
    assert status == 2 and told in err.splitlines()[-1]
    assert not (networks / "r").exists() and "cutting" not in err


def test_the_answer_is_the_class_whose_target_is_nearest(run, networks):
    # max(x1, 0) + max(x2, 0) - 0.5
    (networks / "d.csv").write_text("u,v,kind\n-.9,-.9,a\n-.8,.2,a\n.9,.9,b\n.8,.7,b\n")
    options = ("--targets", "0,1", "--box=-1,1,-1,1", "--label", "kind", "--out", "r")
    status, _, err = run("regions", "two.npz", "d.csv", *options)
    assert status == 0, err
    frame = pd.read_csv(networks / "r" / "regions.csv")
    # in the middle of the quarters: -0.5, 0, 0 and 0.5, the last a tie
    assert frame["answer"].tolist() == [0, 0, 0, 0]
    assert "coloured by the class that is answered" in (networks / "r" / "index.html").read_text()
