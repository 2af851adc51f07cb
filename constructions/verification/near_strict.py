"""What `verify` says of cross-entropies, and with weight decay, because of a point near by."""

from constructions.penalised.search import nearby_strict_points
from constructions.proof.certificate import Check
from constructions.proof.exact import below
from constructions.two_layer.best_neuron import best_neuron
from constructions.verdicts import CONVEX, CRITICAL, SQUARED
from constructions.verification.near import (
    FAR,
    Near,
    critical_of,
    is_close,
    longest,
    nearest,
    other_loss,
    saddle_at,
)

NOTHING = 1e-24  # a move that no loss shows, next to data and logits of any size in use


def near_strict_point(problem, rtol, gtol):
    """Prove that a critical point is next to the network of a problem.

    Parameters
    ----------
    problem : Objective
    rtol : float
        Largest distance of each layer's (W, b), relative to their norm.
    gtol : float
        As for `refute`.

    Returns
    -------
    (Near or None, list of Check)
    """
    net = problem.net
    if problem.loss == 0 and problem.least == 0:
        why = "the loss of the stored network is exactly zero"
        return Near("global minimum", 0.0, 0.0, 0.0, None), [Check(CRITICAL, True, 0.0, why)]
    points = nearby_strict_points(
        net,
        problem.X,
        problem.labels,
        problem.per_class,
        problem.loss_name,
        problem.weight_decay,
        bounded=_most,
    )
    found, told, saddle = nearest(points, lambda one: _apart(problem, one, rtol))
    if found is None:
        if saddle is None:
            return None, [told]
        # with two hidden layers a way down may be a curve, on which no derivative is a witness
        is_curved = len(net.weights) > 2
        near, more = saddle_at(problem, gtol, *saddle, orders=(1, 2), is_curved=is_curved)
        return near, [told, *more]
    # in one affine layer the loss is convex, and a point where its slope vanishes is the best
    verdict, lower = "local minimum", problem.least
    if len(net.weights) == 1:
        verdict, lower = "global minimum", max(below(found.loss), problem.least)
        told = told._replace(detail=f"{told.detail}; {CONVEX}")
    critical = critical_of(found, "critical point")
    return Near(verdict, found.distance, lower, 0.0, critical), [told]


def _most(rows, slopes, rtol, nodes, unit):
    """A bound of what a unit gains that reads these rows, by a search over cones."""
    return best_neuron(rows, slopes, bias=False, rtol=rtol, nodes=nodes, incumbent=unit).bound


def _apart(problem, found, rtol):
    """What keeps the stored network from being next to an exact point; None if it is."""
    if not is_close(problem.net, _rounded(problem.net, found.moves), rtol):
        return FAR.format(found.distance)
    return other_loss(problem, found, rtol, _size(problem))


def _rounded(net, moves):
    """Moves of layers; a layer of zeros has no size to tell by how much it may move."""
    sizes = [W.any() or b.any() for W, b in zip(net.weights, net.biases, strict=True)]
    return [m if size or m > NOTHING else 0.0 for m, size in zip(moves, sizes, strict=True)]


def _size(problem):
    """In which units a loss is small: the squared length of the longest target; 1 for entropies."""
    return longest(problem) if problem.loss_name in SQUARED else 1.0
