"""Few and short runs of the mesa experiments, and rows made by hand."""

import matplotlib.pyplot as plt
import pytest

from training.experiments.mesa.protocol import MESA
from training.experiments.mesa.survey import survey

# Seeds from 3 to 5: the last scalar weight of each starts below 0 in the plane.
SMALL = {"models": ("lp", "linear"), "dims": (2, 3), "seeds": 3, "seed": 3, "epochs": 70}


@pytest.fixture(scope="session")
def found():
    return survey(MESA, **SMALL)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def rows_of(model, values, *, key="head_points_1", d=2, **more):
    """A row for each seed of a model that did not collapse."""
    return [
        {"d": d, "model": model, "seed": s, "collapsed": False, key: value, **more}
        for s, value in enumerate(values)
    ]


@pytest.fixture(name="rows_of")
def _rows_of():
    return rows_of
