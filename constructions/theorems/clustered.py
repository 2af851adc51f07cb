"""Clustered data: one circular cone per class, by explicit formulas (CE24 Proposition 4.1)."""

from typing import NamedTuple

import numpy as np

from constructions.building.assembly import plain_frame
from constructions.building.draft import Draft, Refused, chained
from geomcore.cones import CircularCone
from geomcore.foreign.wording import quoted


def draft(X, labels, rng, *, hidden_width):
    """One circular cone per class, in the order of the classes.

    Parameters
    ----------
    X : ndarray, shape (N, d)
    labels : Labels
    rng : numpy.random.Generator
        Not used: the layers are given by formulas.
    hidden_width : int
        From Q to d.

    Returns
    -------
    Draft

    Raises
    ------
    Refused
        If d < Q, or a hypothesis fails.

    References
    ----------
    .. [1] T. Chen and P. Muñoz Ewald, arXiv:2405.07098, Prop. 4.1.
    """
    Q, d = len(labels.classes), X.shape[1]
    if d < Q:
        raise Refused(f"it needs at least {Q} features for {Q} classes, got {d}")
    frame = plain_frame(X)
    clusters, unit = cluster_hypotheses(frame(X), labels.index), float(frame.scale[0])
    hypotheses = [h.in_units(unit) for h in clusters.hypotheses]
    failed = [str(h) for h in hypotheses if not h.holds]
    if failed:
        raise Refused("; ".join(failed))
    return Draft(
        layers=chained(collapse_clusters(clusters, hidden_width)),
        kinds=["circular cone"] * Q,
        order=list(range(Q)),
        frame=frame,
        report={
            "hypotheses": [str(h) for h in hypotheses],
            "delta": clusters.radius * unit,
            "theta": clusters.aperture,
            "parameters at width Q": Q * (d + Q**2),
            "numbers that describe the cones": Q * (d + 2),
        },
        homogeneous=True,
    )


def as_width(width, X, labels):
    """The width of the hidden layers, d by default."""
    Q, d = len(labels.classes), X.shape[1]
    if width is None:
        return d
    # with fewer features than classes no width will do, and the theorem itself is refused
    if d >= Q and (not isinstance(width, int | np.integer) or not Q <= width <= d):
        raise ValueError(
            f"hidden_width must be a whole number from {Q} to {d}, got {quoted(width)}"
        )
    return width


class Hypothesis(NamedTuple):
    """One hypothesis of a theorem, and by how much it holds or fails.

    Attributes
    ----------
    name : str
    holds : bool
    value, bound : float
        The hypothesis is value < bound.
    is_length : bool
        Whether they are lengths, which change with the unit of the data.
    """

    name: str
    holds: bool
    value: float
    bound: float
    is_length: bool = False

    def in_units(self, unit):
        """The same for data that are this many times as large."""
        if not self.is_length:
            return self
        return self._replace(value=self.value * unit, bound=self.bound * unit)

    def __str__(self):
        relation = "<" if self.holds else "is not <"
        return f"{self.name}: {self.value:.4g} {relation} {self.bound:.4g}"


class Clusters(NamedTuple):
    """The numbers that CE24 Prop. 4.1 speaks of.

    Attributes
    ----------
    means : ndarray, shape (Q, d)
    radius : float
        delta, the largest distance of a point from its class mean.
    aperture : float
        theta_*, the largest of the smallest apertures of cones with apex at a
        class mean that contain the balls of radius 4 delta about the others; in radians.
    hypotheses : tuple of Hypothesis
    """

    means: np.ndarray
    radius: float
    aperture: float
    hypotheses: tuple


def cluster_hypotheses(X, index):
    r"""Check the hypotheses of CE24 Prop. 4.1, one by one.

    The class means are linearly independent; :math:`\delta < \frac14 \min_j
    |\bar x_j - \bar x|`; and :math:`\theta_* < \pi`.

    Parameters
    ----------
    X : ndarray, shape (N, d)
    index : ndarray of int, shape (N,)
        Class of each point, 0..Q-1.

    Returns
    -------
    Clusters
    """
    Q = int(index.max()) + 1
    means = np.stack([X[index == q].mean(axis=0) for q in range(Q)])
    radius = float(np.linalg.norm(X - means[index], axis=1).max())
    centre = means.mean(axis=0)
    reach = float(np.linalg.norm(means - centre, axis=1).min()) / 4
    # dependence as a distance: how close to singular the matrix of unit means is
    lengths = np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-300)
    singular = np.linalg.svd(means / lengths, compute_uv=False)
    smallest = float(singular[-1]) if X.shape[1] >= Q else 0.0
    aperture = _aperture(means, radius)
    tiny = 1e-8
    return Clusters(
        means,
        radius,
        aperture,
        (
            Hypothesis(
                "class means linearly independent (1/smallest singular value)",
                smallest > tiny,
                1 / smallest if smallest > 0 else np.inf,
                1 / tiny,
            ),
            Hypothesis(
                "delta against min |mean - barycentre|/4", radius < reach, radius, reach, True
            ),
            Hypothesis("aperture theta_* against pi", aperture < np.pi, aperture, np.pi),
        ),
    )


def _aperture(means, radius):
    """theta_* of class means and a common radius."""
    centre = means.mean(axis=0)
    halves = [0.0]
    for j, mean in enumerate(means):
        for other in np.delete(means, j, axis=0):
            halves.append(_half_aperture(other - mean, centre - mean, 4 * radius))
    return 2 * max(halves)


def _half_aperture(to_centre, axis, radius):
    """Angle between the axis and the farthest direction of a ball, seen from the origin."""
    distance, length = np.linalg.norm(to_centre), np.linalg.norm(axis)
    if distance <= radius or length == 0:
        return np.pi
    cosine = np.clip(to_centre @ axis / (distance * length), -1, 1)
    return float(np.arccos(cosine) + np.arcsin(radius / distance))


def collapse_clusters(clusters, hidden_width):
    r"""Collapse layers of CE24 Prop. 4.1, on cumulative parameters.

    Layer j is the circular cone with axis :math:`f_j`, apex :math:`\bar x_j +
    \frac52 \delta f_j` and aperture :math:`\max(\theta_*, \pi/3)`; the paper
    allows any apex between 2 and 3 delta, and any aperture from theta_* up
    that also holds the ball of radius delta on its backward side. A delta that
    is very small, or zero, is first enlarged, since the apex must stay clear of
    the class.

    Parameters
    ----------
    clusters : Clusters
        With all hypotheses true.
    hidden_width : int
        From Q to d: width of all hidden layers.

    Returns
    -------
    list of (W, b)
        Cumulative parameters, shapes (hidden_width, d) and (hidden_width,).
    """
    means = clusters.means
    _, _, directions = np.linalg.svd(means)
    basis = directions[:hidden_width]  # its first Q rows span the class means
    flat = means @ basis.T
    centre = flat.mean(axis=0)
    radius = _enlarged_radius(flat, clusters.radius)
    angle = max(_aperture(flat, radius), np.pi / 3)
    layers = []
    for mean in flat:
        axis = (centre - mean) / np.linalg.norm(centre - mean)
        apex = mean + 2.5 * radius * axis
        W, b = CircularCone(apex, axis, angle).to_layer()
        layers.append((W @ basis, b))
    return layers


def _enlarged_radius(means, radius):
    """A radius that is not too small for the distances, with which the hypotheses still hold."""
    reach = np.linalg.norm(means - means.mean(axis=0), axis=1).min()
    excess = max(reach / 80 - radius, 0.0)
    widest = max((_aperture(means, radius) + 3 * np.pi) / 4, np.pi / 3)
    while excess > 1e-9 * reach and _aperture(means, radius + excess) > widest:
        excess /= 2
    return radius + excess
