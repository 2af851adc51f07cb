"""What DATA may be."""

import inspect

import numpy as np
import pytest

from training.commands.construct import construct
from training.commands.data import load_data
from training.commands.options import BUNDLED, DRAWN

# By hand


def test_a_file_wins_over_the_bundled_data_set_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(load_data("iris").X) == 149
    (tmp_path / "iris").write_text("1,2,a\n3,4,b\n")
    np.testing.assert_array_equal(load_data("iris").X, [[1, 2], [3, 4]])


def test_the_seed_draws_what_is_drawn_and_leaves_alone_what_is_measured():
    assert not np.array_equal(load_data("clusters", seed=0).X, load_data("clusters", seed=1).X)
    np.testing.assert_array_equal(load_data("wine", seed=0).X, load_data("wine", seed=1).X)


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


def test_a_misspelt_name_is_told_the_names_there_are():
    with pytest.raises(ValueError, match=r"DATA must be one of clusters, .*digits"):
        load_data("cluster")
