import re

from geomcore.display.palette import COLORS


def test_ten_classes_have_ten_colours():
    assert len(set(COLORS)) == 10 and all(re.fullmatch("#[0-9A-F]{6}", color) for color in COLORS)
