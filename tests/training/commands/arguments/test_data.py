"""What DATA may be."""

import inspect
import re

import numpy as np
import pytest
from builders import random_network

from geomcore import ReLUNetwork, save
from training.commands.arguments.data import check_fit, load_data, load_network
from training.commands.arguments.options import BUNDLED, DRAWN
from training.commands.construct import construct

# By hand


def test_a_file_wins_over_the_bundled_data_set_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(load_data("iris").X) == 149
    (tmp_path / "iris").write_text("1,2,a\n3,4,b\n")
    np.testing.assert_array_equal(load_data("iris").X, [[1, 2], [3, 4]])


def test_the_seed_draws_what_is_drawn_and_leaves_alone_what_is_measured():
    assert not np.array_equal(load_data("clusters", seed=0).X, load_data("clusters", seed=1).X)
    np.testing.assert_array_equal(load_data("wine", seed=0).X, load_data("wine", seed=1).X)


def test_targets_stand_beside_the_labels_of_a_table_and_of_bundled_data(table):
    for source in (str(table), "iris"):
        data = load_data(source, targets="0,1,5")
        np.testing.assert_array_equal(data.targets, [[0], [1], [5]])
        np.testing.assert_array_equal(data.y, load_data(source).y)


# Laws


@pytest.mark.parametrize("name", DRAWN + BUNDLED)
def test_every_bundled_data_set_is_in_the_help_and_bears_its_name(name):
    (argument,) = inspect.signature(construct).parameters["data"].annotation.__metadata__
    assert name in argument.help.split(", ")
    assert load_data(name).name == name


# Bad input


@pytest.mark.parametrize("source", ["clusters", "iris"])
def test_bundled_data_have_no_column_of_labels_to_choose(source):
    with pytest.raises(ValueError, match="--label goes with CSV files"):
        load_data(source, label="kind")


@pytest.mark.parametrize(
    ("text", "options", "advice"),
    [
        ("u,9.99,kind\n1,3,a\n", {}, "give --header if the line holds names, --no-header if"),
        ("1,5;0\n2,5;1\n", {}, "give --delimiter , or --delimiter ';'"),
        ("1,5\t0\n2,5\t1\n", {}, "give --delimiter , or --delimiter tab"),
        ("u;k\n1,234;a\n5,678;b\n", {}, "give --decimal ,"),
        ("u,k\n?,a\n1,b\n", {}, "--drop-missing leaves such rows out"),
        ("c,u,k\nred,1,a\n", {}, "give --label c if that is the label, --one-hot if it is text"),
        ("a b,u,k\nred,1,a\n", {}, "or --drop 'a b'"),
        ("u,k\n1,\xe9\n".encode("latin-1"), {}, "give --encoding cp1252"),
        ("u,price\n" + "".join(f"{i},{i / 7}\n" for i in range(30)), {}, "give --label COLUMN"),
        ("u,k\n1,a\n", {"label": "z"}, "--label must name one column"),
        ("u,k\n1,a\n", {"delimiter": "::"}, "--delimiter must be one character"),
        ("u,k\n1,a\n", {"drop": ["9"]}, "--drop must be a name or a number from 0 to 1"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_in_the_words_of_the_command_line(
    tmp_path, text, options, advice
):
    path = tmp_path / "t.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=re.escape(advice)) as caught:
        load_data(str(path), **options)
    assert not re.search(
        "(header|delimiter|decimal|drop_missing|one_hot|label|drop)=", str(caught.value)
    )


def test_a_misspelt_name_is_told_the_names_there_are():
    with pytest.raises(ValueError, match=r"DATA must be one of clusters, .*its.* mean 'clusters'"):
        load_data("cluster")
    with pytest.raises(ValueError, match=r"no file breast-cancer, did you mean 'breast_cancer'\?$"):
        load_data("breast-cancer")
    with pytest.raises(ValueError, match=r"there is no file qqqq$"):
        load_data("qqqq")


# Networks


def test_what_is_to_be_told_of_a_network_goes_to_standard_error_in_one_line(tmp_path, capsys):
    net = random_network((2, 3, 1))
    save(net, tmp_path / "net.npz")
    assert load_network(tmp_path / "net.npz") == net
    assert capsys.readouterr() == ("", "")
    (tmp_path / "net.nnet").write_text("1,1,1,1\n1,1\n0\n0\n9\n0,0\n1,1\n2\n3\n")
    assert load_network(tmp_path / "net.nnet") == ReLUNetwork([[[2.0]]], [[3.0]])
    out, err = capsys.readouterr()
    assert not out and err.startswith("note: ") and err.endswith("are not clipped\n")
    assert err.count("\n") == 1


FLAT = {k: ReLUNetwork([np.ones((k, 2))], [np.zeros(k)]) for k in (1, 2, 3)}


def test_a_network_fits_what_it_is_to_put_out(table, tmp_path):
    check_fit(FLAT[3], load_data(str(table)))
    check_fit(FLAT[1], load_data(str(table), targets="0,1,2"))
    check_fit(FLAT[2], load_data(str(table), targets="0,1;0,2;3,0"))
    np.savez(tmp_path / "t.npz", X=np.eye(2), y=np.eye(2))
    check_fit(FLAT[2], load_data(str(tmp_path / "t.npz")))


@pytest.mark.parametrize(
    ("outputs", "targets", "told"),
    [
        (1, None, "NETWORK has 1 output, but DATA has 3 classes; say what it puts"),
        (2, None, "NETWORK has 2 outputs, but DATA has 3 classes; say what it puts out for each"),
        (2, "0,1,2", "NETWORK has 2 outputs, but --targets has 1 number for each class"),
        (1, "1,0;0,1;0,0", "NETWORK has 1 output, but --targets has 2 numbers for each class"),
    ],
)
def test_a_network_that_does_not_fit_is_told_of_targets(table, outputs, targets, told):
    with pytest.raises(ValueError, match=f"^{re.escape(told)}"):
        check_fit(FLAT[outputs], load_data(str(table), targets=targets))


def test_a_network_is_told_what_else_does_not_fit(table, tmp_path):
    with pytest.raises(ValueError, match="NETWORK takes 3 inputs, but DATA has 2 columns of feat"):
        check_fit(ReLUNetwork([np.eye(3)], [np.zeros(3)]), load_data(str(table)))
    np.savez(tmp_path / "t.npz", X=np.eye(2), y=np.eye(2))
    with pytest.raises(ValueError, match="NETWORK has 1 output, but DATA has 2 targets per point"):
        check_fit(FLAT[1], load_data(str(tmp_path / "t.npz")))


def test_targets_that_do_not_go_with_the_labels_are_refused(table, tmp_path):
    with pytest.raises(ValueError, match=r"targets must have one row per class \(3\), got shape"):
        load_data(str(table), targets="0,1")
    np.savez(tmp_path / "t.npz", X=np.eye(2), y=np.eye(2))
    with pytest.raises(ValueError, match="--targets goes with labels, DATA holds target vectors"):
        load_data(str(tmp_path / "t.npz"), targets="0,1")
