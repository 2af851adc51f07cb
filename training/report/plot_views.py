"""Views in three dimensions that turn: cones over the data, and outputs in space.

The data are drawn or read once more, for only studies keep them, and a view is made only if they
and the network are, by their digests, those of which the certificate in the folder speaks.
"""

from typing import NamedTuple

import msgspec
import numpy as np

from constructions.proof.certificate import data_digest, network_digest
from geomcore.arrays import as_labels, as_points
from geomcore.cumulative import cumulative_parameters
from geomcore.display.palette import COLORS
from geomcore.foreign.files import read_whole
from geomcore.foreign.schema import decoded
from geomcore.foreign.wording import named, printable
from geomcore.interop import load
from geomcore.network import ReLUNetwork
from geomcore.plot.outlines import sector_outlines
from geomcore.plot.style import limits_around
from geomcore.truncation import truncate
from training.experiments.plot_case import some_points
from training.output.record import plain_names
from training.report.pictures import inside
from training.study.planning.columns import Columns

END = "certificate.json"
DATA = "data.npz"  # of a study
LARGEST = 2**26  # bytes of a certificate
# The markers of `geomcore.plot.class_style` that there are in space, in its order.
SYMBOLS = ("circle", "square", "diamond", "cross", "x")
GREY = "#8a8a8a"
MOST_LAYERS = 12
MOST_CLASSES = 40
DIGITS = 5
LARGEST_NUMBER = 1e30  # browsers draw in single precision


class View(NamedTuple):
    """A view that turns.

    Attributes
    ----------
    key : str
        Of the figure that it belongs to: ``cones`` or ``outputs``.
    prefix : str
        With which the names of the files of its network begin.
    title, note : str
    axes : list of str
    ranges : list of list of float
    steps : list of dict
        With a ``name`` and ``traces``, as plotly takes them.
    """

    key: str
    prefix: str
    title: str
    note: str
    axes: list
    ranges: list
    steps: list


class _Stated(msgspec.Struct):
    network: str
    data: str
    widths: list[int]


def views_of(run, read):
    """Return the views of a run.

    Parameters
    ----------
    run : StoredRun
    read : callable
        ``read(source, seed=..., targets=..., **table)`` gives a `Dataset`, as
        `training.commands.arguments.data.load_data`.

    Returns
    -------
    views : list of View
    missing : list of str
        Why there is none of a network that has three inputs or outputs.
    """
    views, missing = [], []
    names = plain_names(run.record.written)
    for file in sorted(name for name in names if name.endswith(END)):
        prefix = file.removesuffix(END)
        # A study numbers its networks; its certificate is of the first one.
        told = (f"{prefix}network.npz", f"{prefix}network-0.npz")
        network = next((name for name in told if name in names), None)
        if network is None:
            continue
        try:
            path = _in_folder(run, file)
            stated = decoded(read_whole(path, "a certificate", LARGEST), _Stated)
            if not stated.widths or 3 not in (stated.widths[0], stated.widths[-1]):
                continue
            net, data = _checked(run, network, prefix, stated, read)
            drawn = (_cones(net, data, prefix), _outputs(net, data, prefix))
        except (ValueError, OSError, ArithmeticError) as error:
            missing.append(printable(f"{network}: {error}"))
            continue
        views += [view for view in drawn if view is not None]
    return views, missing


def _in_folder(run, name):
    """The path of a file of the run; ValueError if it is none, or a link that leads out of it."""
    path = inside(run.folder, name)
    if path is None:
        raise ValueError(f"{name} is no file in the folder of the run")
    return path


def _checked(run, file, prefix, stated, read):
    """Network and data of a certificate; ValueError if they are no longer to be had."""
    net = load(_in_folder(run, file))
    if not isinstance(net, ReLUNetwork) or network_digest(net) != stated.network:
        raise ValueError("the network is not the one of which the certificate speaks")
    data = _data(run, prefix, read)
    labels = as_labels(data.y, len(data.X), targets=data.targets)
    if data_digest(as_points(data.X), labels) != stated.data:
        raise ValueError("the data are not those of which the certificate speaks")
    return net, data


def _data(run, prefix, read):
    """The data from where the run had them, else those that a study keeps in its folder."""
    given = dict(run.record.arguments)
    source = str(given.get("data") or prefix.rstrip("-"))
    table = {"label": given.get("label")} if "label" in given else {}
    table |= {k: given[k] for k in ("header", "delimiter", "decimal", "encoding") if k in given}
    table |= {k: given[k] for k in ("drop", "drop_missing", "one_hot") if k in given}
    told = {"seed": run.record.seed or 0, "targets": given.get("targets")}
    tried = [(source, table)]
    if DATA in plain_names(run.record.written) and (kept := inside(run.folder, DATA)):
        tried.append((str(kept), {}))
    for place, options in tried:
        try:
            if not isinstance(told["targets"], str | None):
                raise ValueError("targets must be a text")
            data = read(place, **told, **options)
        except (ValueError, OSError):
            continue  # not told why: a sentence may quote lines of a file that is none of the run
        if given.get("standardize") is True:  # what the networks of a study read
            X = as_points(data.X)
            data = data._replace(X=Columns.of(X)(X))
        return data
    raise ValueError(f"the data, {source}, can no longer be read")


def _cones(net, data, prefix):
    """The data as they arrive at each layer, and the part of space that the layer makes a point."""
    if net.widths[0] != 3 or len(net.weights) < 2:
        return None
    data = some_points(data)
    labels = as_labels(data.y, len(data.X), targets=data.targets)
    Ws, bs = cumulative_parameters(net)
    depth = 1 if net.widths[1] > 3 else min(len(Ws) - 1, MOST_LAYERS)
    stages = [data.X, *truncate(net, data.X)][:depth]
    box = _box(data.X)
    steps = []
    for l, (Z, W, b) in enumerate(zip(stages, Ws, bs, strict=False)):
        faces = sector_outlines(W, b, box)
        inside = (Z[:, :3] @ W[:, :3].T + b <= 0).all(axis=1)
        held = np.unique(labels.index[inside])
        color = COLORS[held[0] % len(COLORS)] if len(held) == 1 else GREY
        what = _held(labels, inside, held) if faces or inside.any() else "has no cone here"
        steps.append(
            {
                "name": f"Layer {l + 1} {what}",
                "traces": [*_faces(faces, color), *_clouds(Z[:, :3], labels)],
            }
        )
    note = (
        "The data as they arrive at the layer, and the part of space where all its units are off "
        "(shaded): the layer collapses it to one point."
    )
    if net.widths[1] > 3:
        note += " The layers after it act in more dimensions."
    axes = [f"x{k}" for k in (1, 2, 3)]
    return View("cones", prefix, "Data and cones", note, axes, _ranges(box), steps)


def _outputs(net, data, prefix):
    """The answers of the network and the targets of the classes, in space."""
    if net.widths[-1] != 3:
        return None
    data = some_points(data)
    labels = as_labels(data.y, len(data.X), targets=data.targets)
    out = net(data.X)
    box = _box(np.vstack([out, labels.targets]), 0.15)
    star = {"size": 9, "symbol": "diamond-open", "line": {"width": 2}, "color": GREY}
    goals = _cloud(labels.targets, "targets", star)
    steps = [{"name": "Answers and targets", "traces": [goals, *_clouds(out, labels)]}]
    note = "The outputs of the network, one dot per point, and the target of each class."
    axes = [f"output {k}" for k in (1, 2, 3)]
    return View("outputs", prefix, "Outputs", note, axes, _ranges(box), steps)


def _held(labels, inside, held):
    """What a layer makes one point of, in words."""
    if not len(held):
        return "collapses no point"
    if len(held) > 1:
        return f"collapses {inside.sum():,} points of {len(held)} classes"
    part = "" if inside.sum() == (labels.index == held[0]).sum() else "part of "
    return f"collapses {part}class {_name(labels, held[0])}"


def _name(labels, j):
    return named(labels.classes[j].item(), 30)


def _clouds(Z, labels):
    """One trace of dots per class; of very many classes the last ones are one trace."""
    traces = []
    for j in range(min(len(labels.classes), MOST_CLASSES)):
        is_last = j == MOST_CLASSES - 1 and len(labels.classes) > MOST_CLASSES
        rows = labels.index >= j if is_last else labels.index == j
        style = {"color": COLORS[j % len(COLORS)], "symbol": SYMBOLS[j % len(SYMBOLS)], "size": 3}
        traces.append(_cloud(Z[rows], "others" if is_last else _name(labels, j), style))
    return traces


def _cloud(Z, name, marker):
    x, y, z = _rounded(Z).T.tolist()
    return {
        "type": "scatter3d", "mode": "markers", "name": name, "marker": marker,
        "x": x, "y": y, "z": z,
    }  # fmt: skip


def _faces(faces, color):
    """The faces of a convex set, shaded, with their edges."""
    if not faces:
        return []
    corners, triangles, edges = [], [], []
    for face in faces:
        first = len(corners)
        corners += face.tolist()
        triangles += [(first, first + k, first + k + 1) for k in range(1, len(face) - 1)]
        edges += [*face.tolist(), face[0].tolist(), [None] * 3]
    x, y, z = _rounded(np.array(corners)).T.tolist()
    i, j, k = np.array(triangles).T.tolist()
    shade = {"type": "mesh3d", "color": color, "opacity": 0.18, "hoverinfo": "skip"}
    shade |= {"x": x, "y": y, "z": z, "i": i, "j": j, "k": k, "showlegend": False}
    line = {"type": "scatter3d", "mode": "lines", "line": {"color": color, "width": 3}}
    line |= dict(zip("xyz", map(list, zip(*edges, strict=True)), strict=True))
    return [shade, line | {"hoverinfo": "skip", "showlegend": False}]


def _box(Z, *margin):
    """Limits of a picture of points; ValueError if they cannot be drawn."""
    if not np.abs(Z).max(initial=0) < LARGEST_NUMBER:
        raise ValueError("numbers that are too large to be drawn")
    return limits_around(Z, *margin)


def _ranges(box):
    return [[float(low), float(high)] for low, high in box]


def _rounded(Z):
    """Coordinates with as many digits as can be seen."""
    size = np.abs(Z).max(initial=0)
    if size < 1 / LARGEST_NUMBER:  # points, for the eye
        return np.zeros_like(Z)
    unit = 10.0 ** (np.floor(np.log10(size)) - DIGITS + 1)
    return np.round(Z / unit) * unit
