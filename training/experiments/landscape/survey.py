"""The loss around one network: lines, a plane, the spectrum, a basin, the way to another one."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from constructions import balanced, descent_basin, largest_step, verify
from geomcore.arrays import as_labels
from geomcore.parameters import flatten
from geomcore.weighting import point_weights
from training.landscape.bend import bend
from training.landscape.directions import random_direction
from training.landscape.lines.barrier import Barrier, barrier
from training.landscape.lines.exact_slice import ExactSlice, exact_slice
from training.landscape.matching import matched
from training.landscape.operators import Curvature
from training.landscape.slices import (
    LossSlice,
    LossSurface,
    interpolate,
    loss_slice,
    loss_surface,
)
from training.landscape.spectrum import Spectrum, hessian_spectrum, sharpness

EXACT = ("mse", "class_weighted")
# A gradient that promises less than this part of the loss of the best constant is rounding.
STILL = 1e-12
# An eigenvalue that is negative by less than this part of the largest one is rounding.
BENT = 1e-9
# Parameters up to which the eigenvalues of each layer are looked at.
SMALL = 3000
# Parts of the radius of the flow for which the largest step is looked for.
PARTS = (0.5, 0.1, 0.01)
# Steps in double precision of which the basins speak.
STEPS = 1_000_000


class Line(NamedTuple):
    """A line through the network: its name, the exact slice or None, and a grid on it."""

    name: str
    exact: ExactSlice | None
    grid: LossSlice


class Way(NamedTuple):
    """A way to another network: its name, (t, losses) along each of its segments, its barrier."""

    name: str
    parts: tuple
    barrier: Barrier


class Basins(NamedTuple):
    """Proved radii of return: of gradient flow, and rows about gradient descent."""

    name: str
    flow: object
    rows: tuple


class Survey(NamedTuple):
    """What was found around a network; parts that make no sense for it are empty."""

    loss: float
    gradient_norm: float
    lines: tuple
    surface: LossSurface
    spectrum: Spectrum
    layers: tuple
    sharpness: tuple
    verdict: str
    kinks: int
    basins: tuple
    ways: tuple


def survey(
    net,
    X,
    y,
    *,
    targets=None,
    loss="mse",
    weight_decay=0.0,
    extent=1.0,
    points=51,
    steps=0,
    other=None,
    bend_steps=0,
    seed=0,
    jobs=1,
    told=lambda text: None,
):
    """Look around a network.

    Parameters
    ----------
    net : ReLUNetwork
    X : array_like, shape (N, d)
    y : array_like, shape (N,) or (N, k)
    targets, loss, weight_decay : optional
        As for `training.loss_slice`.
    extent : float
        Of lines and plane, in lengths of their directions.
    points : int
        Along each direction of the plane, odd.
    steps : int
        Of training from each point of the plane.
    other : ReLUNetwork, optional
        Another network: the way to it is looked at, with and without matching of the units.
    bend_steps : int
        If positive, a bent way to it is looked for.
    seed : int
    jobs : int
    told : callable
        Of a text, before each part.

    Returns
    -------
    Survey
    """
    kind = {"targets": targets, "loss": loss, "weight_decay": weight_decay}
    here = Curvature(net, X, y, **kind)
    told("spectrum")
    spectrum = hessian_spectrum(net, X, y, rng=seed, **kind)
    both = [sharpness(net, X, y, invariant=i, rng=seed, **kind) for i in (False, True)]
    told("lines")
    lines = tuple(
        _line(net, X, y, name, v, extent, kind)
        for name, v in _directions(net, here, spectrum, seed).items()
    )
    told("plane" if not steps else "plane, and training from each of its points")
    surface = loss_surface(
        net, X, y, extent=extent, points=points, steps=steps, rng=seed, jobs=jobs, **kind
    )
    told("basin")
    certificate, basins = _basins(net, X, y, targets, loss, weight_decay)
    ways = ()
    if other is not None:
        told("way to the other network")
        ways = _ways(net, other, X, y, kind, bend_steps, seed)
    return Survey(
        loss=here.loss,
        gradient_norm=float(np.linalg.norm(here.gradient)),
        lines=lines,
        surface=surface,
        spectrum=spectrum,
        layers=_layers(net, X, y, kind) if here.count <= SMALL else (),
        sharpness=tuple(both),
        verdict=certificate.verdict,
        kinks=len(certificate.kinks),
        basins=basins,
        ways=ways,
    )


def _directions(net, here, spectrum, seed):
    """Directions by name: two random ones, the gradient if there is one, both ends."""
    found = {
        f"random direction {k + 1}": random_direction(net, rng=np.random.default_rng([seed, k]))
        for k in range(2)
    }
    size = np.linalg.norm(flatten(net.tensors))
    slope = np.linalg.norm(here.gradient)
    # what a step along it would win, if the loss were a parabola of the largest curvature
    if slope**2 > 2 * spectrum.top[0] * STILL * here.constant_loss:
        found["gradient"] = here.gradient / slope * size
    found["largest curvature"] = spectrum.top_vectors[0] * size
    if spectrum.bottom[0] < -BENT * abs(spectrum.top[0]):
        found["most negative curvature"] = spectrum.bottom_vectors[0] * size
    return found


def _line(net, X, y, name, v, extent, kind):
    exact = None
    if kind["loss"] in EXACT:
        exact = exact_slice(net, v, X, y, (-extent, extent), **kind)
    return Line(name, exact, loss_slice(net, X, y, v, extent=extent, points=201, **kind))


def _layers(net, X, y, kind):
    """Largest and smallest eigenvalue and trace of the block of each layer."""
    rows = []
    for l in range(1, len(net.weights) + 1):
        block = Curvature(net, X, y, tensors=[f"W{l}", f"b{l}"], **kind)
        H = block.hessian_times(np.eye(block.count))
        values = np.linalg.eigvalsh((H + H.T) / 2)
        rows.append((l, block.count, values[-1], values[0], values.sum()))
    return tuple(rows)


def _basins(net, X, y, targets, loss, weight_decay):
    """The certificate of `verify`, and the proved radii of return, as given and balanced."""
    found = verify(net, X, y, targets=targets, loss=loss, weight_decay=weight_decay)
    if found.basin is None or loss not in EXACT:
        return found, ()
    labels = as_labels(y, len(X), targets=targets)
    weights = point_weights(labels.index, class_weighted=loss == "class_weighted")
    out = []
    for name, one in (("as given", net), ("balanced", balanced(net, X, weights=weights))):
        told = found if one is net else verify(one, X, y, targets=targets, loss=loss)
        if told.basin is None:
            continue
        data = (told, one, X, y)
        rows = [largest_step(*data, part * told.basin["radius"], targets=targets) for part in PARTS]
        kind = {"targets": targets, "steps": STEPS}
        rows = [descent_basin(*data, r.step, **kind) for r in rows if r is not None]
        out.append(Basins(name, told.basin, tuple(row for row in rows if row is not None)))
    return found, tuple(out)


def _ways(net, other, X, y, kind, bend_steps, seed):
    near = matched(other, net, rng=seed)
    ends = {"units as numbered": ((), other), "units matched": ((), near)}
    if bend_steps:
        c = bend(net, near, X, y, steps=bend_steps, rng=seed, **kind)
        ends["units matched, over a trained network"] = ((c,), near)
    return tuple(
        Way(name, _parts(net, via, end, X, y, kind), barrier(net, end, X, y, via=via, **kind))
        for name, (via, end) in ends.items()
    )


def _parts(net, via, end, X, y, kind):
    return tuple(_losses_between(p, q, X, y, kind) for p, q in pairwise([net, *via, end]))


def _losses_between(p, q, X, y, kind):
    """Places from 0 to 1 and the losses there; of an exact line its breakpoints, too."""
    if kind["loss"] not in EXACT:
        line = interpolate(p, q, X, y, points=401, **kind)
        return line.t, line.losses
    line = exact_slice(p, flatten(q.tensors) - flatten(p.tensors), X, y, (0.0, 1.0), **kind)
    t = np.sort(np.concatenate([line.breakpoints, np.linspace(0, 1, 201)]))
    return t, line(t)
