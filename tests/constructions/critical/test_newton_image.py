"""The box of a zero, where an inverse is so poor that its image shrinks little."""

import numpy as np

from constructions.critical.balls import Balls
from constructions.critical.newton import solution_near


def test_an_image_holds_the_solution_where_a_poor_inverse_shrinks_little(monkeypatch):
    m, share = 60, 0.0
    lowest, highest = 0.05, 0.15
    for _ in range(60):  # where the third box reaches just as far as the solution
        share = (lowest + highest) / 2
        r = 2 * share
        for _ in range(3):
            r = 1.5 * ((1 - share) * r + share)
        lowest, highest = (share, highest) if r < 1 else (lowest, share)
    for k in range(-150, 150, 3):
        C = share * (1 + k * 2.0**-52) * np.eye(m)
        monkeypatch.setattr(np.linalg, "inv", lambda A, C=C: C)
        box = solution_near(Balls(np.ones(m)), lambda radius: Balls(np.eye(m)))
        assert (box.image >= 1).all()  # the solution is at -1
