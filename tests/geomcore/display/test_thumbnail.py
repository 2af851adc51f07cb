import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from geomcore.display.palette import COLORS
from geomcore.display.thumbnail import SIZE, scatter_svg

CIRCLE = "{http://www.w3.org/2000/svg}circle"


def circles(points, index):
    found = ET.fromstring(scatter_svg(np.asarray(points, float), np.asarray(index)))
    dots = found.findall(CIRCLE)
    places = np.array([[float(dot.get("cx")), float(dot.get("cy"))] for dot in dots])
    return places, [dot.get("fill") for dot in dots]


def test_points_keep_their_places_with_one_unit_in_both_directions():
    places, colors = circles([[0, 0], [2, 0], [0, 1]], [0, 1, 1])
    right, up = places[1] - places[0], places[2] - places[0]
    assert right[0] > 0 and right[1] == 0
    assert up[0] == 0 and up[1] == pytest.approx(-right[0] / 2, abs=0.1)
    assert colors == [COLORS[0], COLORS[1], COLORS[1]]


@pytest.mark.parametrize("size", [1.0, 1e-300, 1e300, 1.7e308])
def test_points_of_any_size_fit_into_the_picture(size):
    places, _ = circles(np.array([[-1, -1], [1, 1], [0.5, 0]]) * size, [0, 1, 2])
    assert (places > 0).all() and (places < SIZE).all() and np.ptp(places) > SIZE / 2


def test_one_point_stands_in_the_middle():
    places, _ = circles([[3.0, 4.0]], [12])
    assert places.tolist() == [[SIZE / 2, SIZE / 2]]


def test_more_classes_than_colours_share_them():
    assert circles([[0, 0]], [len(COLORS)])[1] == [COLORS[0]]


def test_it_says_what_it_shows():
    assert re.search(
        'role="img" aria-label="[^"]+"', scatter_svg(np.zeros((1, 2)), np.zeros(1, int))
    )
