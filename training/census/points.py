"""The distinct points that the runs of a census end at."""

from itertools import count
from typing import NamedTuple

from geomcore.display.lines import told_in_brief
from geomcore.weighting import point_weights
from training.census.canonical import ROUNDING, Canonical, canonical
from training.census.ending import KINDS, Ending
from training.descent.losses import as_loss

LEVEL = 1e-9  # of the loss of the best constant output: losses no farther apart are equal


@told_in_brief
class EndPoint(NamedTuple):
    """A point that some runs end at.

    Attributes
    ----------
    number : int
        From 1, by loss.
    endings : list of Ending
        Of these runs; equal losses, and the same networks up to order and scales of units, units of
        no account, and what no point sees.
    form : Canonical
        Of the first of them.
    function, family : int
        End points of one function have the same loss and outputs at all points. Those of one family
        have, besides, the same patterns of units that count: they are in one cell. They are
        different networks; whether a path of equal loss joins them is not examined.
    """

    number: int
    endings: list[Ending]
    form: Canonical
    function: int
    family: int

    @property
    def best(self):
        """The ending of which most is proved, the first one of these."""
        return min(self.endings, key=_unproved)

    @property
    def kind(self):
        """Of the best ending."""
        return self.best.kind

    @property
    def loss(self):
        """Of the best ending."""
        return self.best.loss

    @property
    def dead(self):
        """How many of its units are on at no point."""
        return sum(self.form.dead)


def end_points(found):
    """The distinct end points of a `Census`, by loss.

    Parameters
    ----------
    found : Census

    Returns
    -------
    list of EndPoint
        Of runs that have an end point; others are told by `Ending.kind`.
    """
    level, X = loss_level(found.question), found.question.X
    points, functions, families = [], count(1), count(1)
    ends = sorted((e for e in found.endings if e.is_end), key=lambda e: (e.loss, e.number))
    for ending in ends:
        form = canonical(ending.network, X)
        near = [p for p in points if ending.loss - p.endings[0].loss <= level]
        same = next((p for p in near if form.is_same(p.form)), None)
        if same is not None:
            same.endings.append(ending)
            continue
        alike = [p for p in near if form.has_same_outputs(p.form)]
        function = alike[0].function if alike else next(functions)
        family = next((p.family for p in alike if form.is_same_family(p.form)), None)
        family = next(families) if family is None else family
        points.append(EndPoint(len(points) + 1, [ending], form, function, family))
    return points


def loss_level(question):
    """Losses no farther apart than this are equal, 1e-9 of that of the best constant output.

    At least what outputs that count as equal can be apart: where all labels are one, the best
    constant has no loss, and those of rounding would be told from each other.
    """
    labels = question.labels
    weights = point_weights(labels.index, class_weighted=question.loss == "class_weighted")
    rounding = float(weights @ ((ROUNDING * labels.Y) ** 2).sum(axis=1))
    return max(LEVEL * as_loss(question.loss).constant_loss(labels.Y, weights), rounding)


def _unproved(ending):
    """What a proof lacks: less is better."""
    return KINDS.index(ending.kind), ending.slack > 0, ending.number
