"""Sequentially separable data: one collapse layer per class (CE24 Theorem 5.2)."""

from typing import NamedTuple

import numpy as np

from constructions.building.assembly import exact_frame, standard_frame
from constructions.building.collapse import Collapse, collapse_layer
from constructions.building.draft import Draft, Refused, chained
from constructions.separation.hulls import in_coordinates
from constructions.separation.order import Order, elimination_order
from constructions.separation.programs import narrowest_apex, nearest_on_hyperplane
from constructions.separation.separation import separate
from geomcore.foreign.choices import as_choice, as_flag

# Smallest singular value of the base points beside a column of ones, in features of unit spread,
# from which they count as affinely independent.
LEAST_SPREAD = 1e-6


def draft(X, labels, rng, *, base_points, robust):
    """One spread cone per class, in an order in which hyperplanes cut the classes off.

    Parameters
    ----------
    X : ndarray, shape (N, d)
    labels : Labels
    rng : numpy.random.Generator
    base_points : {"free", "segment"}
    robust : bool
        Both as for `construct`.

    Returns
    -------
    Draft

    Raises
    ------
    Refused
        If d < Q - 1, no order is complete (with certificates), or no base points are found.

    References
    ----------
    .. [1] T. Chen and P. Muñoz Ewald, arXiv:2405.07098, Thm 5.2.
    """
    Q, d = len(labels.classes), X.shape[1]
    if d < Q - 1:
        raise Refused(f"it needs at least {Q - 1} features for {Q} classes, got {d}")
    frame, found = _complete_order(X, labels)
    Z = frame(X)
    segment = base_points == "segment"
    sequence = collapse_in_order(
        Z, labels.index, found, np.arange(Q), rng, robust=robust, segment=segment
    )
    collapses = sequence.collapses
    return Draft(
        layers=chained([(c.W, c.b) for c in collapses]),
        kinds=["spread cone"] * Q,
        order=sequence.order,
        frame=frame,
        report={"margins": sequence.margins, "flatness": [c.flatness for c in collapses]},
    )


def _complete_order(X, labels):
    """A frame in which the classes can be eliminated, and their order there.

    Centring rounds. What it leaves stuck is looked at again in coordinates
    that are the data's but for powers of two: certificates come from there,
    and where points lie too near each other for centring, the order may.
    """
    frame = standard_frame(X)
    Z = frame(X)
    rtol = 1e-3 if Z.size < 10_000_000 else 0.05
    found = elimination_order(Z, labels.index, rtol=rtol)
    if found.complete:
        return frame, found
    certificates = _certificates(X, labels.index, found)
    if None in certificates.values():
        frame = exact_frame(X)
        again = elimination_order(frame(X), labels.index, rtol=rtol)
        if again.complete:
            return frame, again
        found, certificates = again, _certificates(X, labels.index, again)
    raise _stuck(found, certificates, labels)


def _certificates(X, index, found):
    """For each class that is stuck, the certificate for X itself, or None if there is none.

    What it is not separated from are the other classes left, whatever was removed before:
    a class separable from all of those at some time stays so.
    """
    Z = exact_frame(X)(X)
    if not np.array_equal(Z * exact_frame(X).scale, X):
        Z = X  # a number so small beside another one that scaling rounds it
    left = np.isin(index, list(found.stuck))
    certificates = {}
    for q in found.stuck:
        own, others = index == q, left & (index != q)
        certificate = separate(Z[own], Z[others], rtol=0.1).certificate
        certificates[q] = certificate and in_coordinates(certificate, X[own], X[others])
    return certificates


def _stuck(found, certificates, labels):
    """The refusal of classes none of which can be separated from the others left."""
    names = [str(labels.classes[q]) for q in found.stuck]
    after = [str(labels.classes[q]) for q in found.order]
    classes = labels.classes.tolist()
    proved = {classes[q]: c for q, c in certificates.items() if c is not None}
    undecided = len(names) - len(proved)
    if undecided:
        verb, why = "could", f"{undecided} of them undecided in double precision"
    else:
        verb, why = "can", "proved: for each, a point common to both convex hulls"
    removed = f"after removing classes {after} " if after else ""
    return Refused(
        f"{removed}none of {names} {verb} be separated from the others ({why})",
        proved,
    )


def as_base_points(base_points, X, labels):
    """Where base points are looked for."""
    return as_choice(base_points, ("free", "segment"), "base_points")


def as_robust(robust, X, labels):
    """Whether to place base points by second-order cone programs: by default if d <= 100."""
    return X.shape[1] <= 100 if robust is None else as_flag(robust, "robust")


class Sequence(NamedTuple):
    """Collapse layers, one per class, in the order in which they act.

    Attributes
    ----------
    order : list of int
        Classes, as positions in the sorted list of labels.
    collapses : list of Collapse
    margins : list of float
        Margin of each hyperplane against all that it must keep forward.
    """

    order: list
    collapses: list[Collapse]
    margins: list


def collapse_in_order(Z, index, found: Order, classes, rng, *, robust=False, segment=False):
    r"""Collapse the classes one after another.

    The hyperplane :math:`H_j` separates class j from the classes after it and
    from the base points :math:`p_i` of those before it. The base points are
    the points of :math:`H_j` nearest to the class mean that the hyperplanes
    already known keep forward; where they end up behind a later hyperplane all
    the same, that hyperplane is found again with the base points among the
    points to be kept. If that fails, the last two classes are kept apart by two
    parallel hyperplanes from the start, with the base points of all others
    between them, so that the last class can be separated from the base points.
    Where the base points would not be affinely independent, random points of the
    hyperplanes are taken.

    Parameters
    ----------
    Z : ndarray, shape (N, d)
    index : ndarray of int, shape (N,)
    found : Order
        A complete elimination order of these points.
    classes : ndarray, shape (Q,)
    rng : numpy.random.Generator
    robust : bool, optional
        Move each base point to where the data are seen under the smallest
        aperture, by a second-order cone program.
    segment : bool, optional
        Keep each base point on the segment from its class mean to the mean of
        the class means, as in the paper.

    Returns
    -------
    Sequence

    Raises
    ------
    Refused
        If a class cannot be separated from the rest and the base points, or
        the base points that are tried are affinely dependent to working precision.

    References
    ----------
    .. [1] T. Chen and P. Muñoz Ewald, arXiv:2405.07098, Definition 5.1 and
       Theorem 5.2. There p_j lies on the segment from the class mean to the
       barycentre; here it may be any point of the hyperplane.
    """
    order = [int(np.flatnonzero(classes == label)[0]) for label in found.order]
    known = [(-s.normal, -s.offset, s.margin) for s in found.separations]
    # plain base points first; random ones where the classes span too few dimensions
    if segment:
        means = np.stack([Z[index == q].mean(axis=0) for q in range(len(order))])
        return _collapse(Z, index, order, known, classes, rng, 0.0, False, means)
    failures = []
    for spread in (0.0, 0.5, 2.0):
        for planes in (known, _with_last(known)):
            try:
                return _collapse(
                    Z, index, order, planes, classes, rng, spread, robust and not spread
                )
            except Refused as failure:
                failures.append(failure)
    raise failures[0]


def _with_last(known):
    """The same hyperplanes, but the last replaced by two: one for each of the last two classes.

    Of its slab of width 2 m they cut the middle third out; a demand of m/4
    keeps base points in the middle quarter of that third.
    """
    normal, offset, margin = known[-1]
    first = normal, offset + margin / 3, margin / 4
    second = -normal, -offset + margin / 3, margin / 4
    return [*known[:-1], first, second]


def _collapse(Z, index, order, known, classes, rng, spread, robust, means=None):
    bases, collapses, margins = [], [], []
    for step, q in enumerate(order):
        G = Z[index == q]
        keep = np.vstack([Z[np.isin(index, order[step + 1 :])], *(p[None] for p in bases)])
        normal, offset, demand = known[step] if step < len(known) else (None, 0.0, 0.0)
        if normal is None or (keep @ normal + offset).min() < 0.5 * demand:
            answer = separate(keep, G)
            if not answer.separable:
                raise Refused(
                    f"class {classes[q]!s} cannot be separated from the remaining classes "
                    f"and the base points of {[str(classes[i]) for i in order[:step]]}"
                )
            normal, offset = answer.normal, answer.offset
        near = G.mean(axis=0)
        if spread:
            near = near + spread * rng.standard_normal(len(near))
        if means is None:
            base = nearest_on_hyperplane(near, normal, offset, known[step + 1 :])
        else:
            base = _on_segment(means[q], means.mean(axis=0), normal, offset, classes[q])
        layer = collapse_layer(G, keep, normal, base, rng)
        if robust:
            both = np.vstack([G, keep])
            apex = narrowest_apex(both, both @ normal + offset, base, normal, known[step + 1 :])
            layer = max(layer, collapse_layer(G, keep, normal, apex, rng), key=_flatness)
        bases.append(layer.base)
        collapses.append(layer)
        margins.append(float(min((keep @ normal + offset).min(), -(G @ normal + offset).max())))
    lifted = np.column_stack([np.stack(bases), np.ones(len(bases))])
    smallest = np.linalg.svd(lifted, compute_uv=False)[-1]
    if smallest < LEAST_SPREAD:
        raise Refused(
            "no base points were found that are affinely independent to working precision (the "
            f"smallest singular value of the points, scaled to unit spread and beside a 1, is "
            f"{smallest:.2g}, below {LEAST_SPREAD:.0e})"
        )
    return Sequence(order, collapses, margins)


def _on_segment(mean, centre, normal, offset, label):
    """Where the segment from a class mean to the mean of the means crosses the hyperplane."""
    start, end = normal @ mean + offset, normal @ centre + offset
    if not start < 0 < end:
        raise Refused(
            f"the segment from the mean of class {label!s} to the mean of the class means does not "
            f"cross the hyperplane of largest margin (signed distances {start:.3g} and {end:.3g})"
        )
    return mean + start / (start - end) * (centre - mean)


def _flatness(layer):
    return layer.flatness
