"""The figures of a case, and what their captions say."""

import math

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import PathCollection

from constructions.verdicts import SQUARED
from geomcore import plot
from geomcore.arrays import as_labels
from geomcore.cones import PolyhedralCone
from geomcore.plot.margins import margins
from geomcore.plot.style import (
    add_figure_legend,
    add_title,
    collapsed,
    few_ticks,
    legible,
    limits_around,
    name_axes,
    scatter,
)
from geomcore.plot.ticks import coordinate
from geomcore.truncation import truncate
from training.output import alt
from training.study import plot as plot_study

CAPTIONS = {
    "cones": "The data as they arrive at each hidden layer, one colour per class, and the "
    "backward cone of the layer (shaded in the colour of a class). The layer collapses what lies "
    "in this cone to the cone's tip{star}.{view}{more}",
    "data": "The data, one colour per class{how}.",
    "sectors": "How clearly each layer decides, one strip per layer, in {width} dimensions. On "
    "the left, on grey, the points in the cone that the layer collapses: all their pre-activations "
    "are negative, and the margin is the largest of them. On the right those in the cone that it "
    "leaves alone: all are positive, and the margin is the smallest. {between}",
    "truncation": "The truncated data after each hidden layer{how}, always with the same axes. "
    "What the network does to the data is this: a class that a layer collapses becomes one point "
    "(large marker with its name), others move. Where these lie too close to be told apart, a last "
    "panel shows them enlarged. Points that meet in this picture may be apart in other directions.",
    "piles": "The truncated data after each hidden layer{how}, always with the same axes. Each "
    "layer cuts points of one class off with a hyperplane and sends them, with those of this class "
    "that went before, to one point, the pile of the class (large marker, with the number of "
    "points in it). The piles lie in dimensions that the data do not have; the picture shows "
    "these as a shift away from the data. Where layers are grouped as the rest, the last picture "
    "shows the outputs in place of the piles.",
    "outputs": "How far each answer of the network is from the target of its class, on a "
    "logarithmic axis: one row per class, the distances growing from the top of a row to its "
    "bottom. Dashed, half the distance of the two nearest targets: answers to the left of it are "
    "for the right class.",
    "losses": "The losses of all {trials} trials around “{name}” per λ, before training (grey "
    "lines) and after it (dots, whose colour is what became of the trial), from the smallest on "
    "the left of each λ to the largest on its right. Dashed, the loss up to which a trial counts "
    "as returned.{floor}",
    "comparison": "Against the total norm of the perturbation: of the trials that left, the "
    "fraction that returns to the loss of the reference (to within {tolerance:.1e}) with 95 % "
    "Wilson intervals, dotted where half of them do, and the fraction of all trials that are there "
    "before any training (dashed); median and quartiles of the final loss, dotted the loss of the "
    "reference; mean accuracy.{limited}{certified}{floor}",
    "ends": "The loss after the perturbation and the loss after training, one point per trial. "
    "On the dashed line training has changed nothing.{floor}",
    "return": "Every tensor of the network was moved by random noise of norm λ, {trials} times for "
    "each λ, then trained by plain gradient descent ({steps}). On top: of the trials that left, "
    "the fraction that comes back to the loss of the constructed network (to within "
    "{tolerance:.1e}), with 95 % Wilson intervals, and the fraction of all trials that are there "
    "before any training (grey; on the grey ground they are half of all, so there coming back "
    "says little). Below: the losses before and after training, each from the smallest on the "
    "left of its λ to the largest on the right.{limited}{floor}",
}

FLOORED = " Losses below {floor:g} are drawn at it: there rounding decides."

CERTIFIED = " The certified radius is dash-dotted, or told beside the picture."

LIMITED = (
    " Empty markers: the budget of steps or the rate decides there, not the landscape: with more "
    "training more might return."
)

HIGHER = (
    " This first layer has more dimensions than the data; the layers after it act there and are "
    "not drawn."
)

VIEW = (
    " Each picture looks into the cone, nearly along its axis; the other classes, which lie "
    "beside or behind it, are pale."
)

BETWEEN = "The points in between are moved to a face of the cone that is left alone."
NONE_BETWEEN = "No point is in between: the smallest margin is {nearest:.1e}."

TILT = 10  # degrees between the axis of a cone and the view

# Fewer points in a cone of any layer, as a part of all, are not worth a picture.
FEW = 0.05
# More make a picture slower and its vector file larger, not clearer.
MOST_POINTS = 4000


def figures(case, *, about_steps=""):
    """Draw all that is known about a data set.

    Parameters
    ----------
    case : Case
    about_steps : str, optional
        How long was trained, for a caption.

    Yields
    ------
    key, fig, caption, alt : str, matplotlib Figure, str, str
    """
    d, data, net = case.data.X.shape[1], some_points(case.data), case.network
    labels = as_labels(case.data.y, len(case.data.X), targets=case.data.targets)
    some = "" if data is case.data else f" Drawn are {MOST_POINTS:,} points chosen at random."
    how = "" if d <= 2 else " in the plane of their two main directions (PCA of the data)"

    def caption(key, **words):
        return CAPTIONS[key].format(**words) + some

    if case.construction and d in (2, 3):
        layers, higher = case.construction.layers, net.widths[1] > d
        fig = figure_of_cones(data, net, layers)
        words = {"view": VIEW * (d == 3 and not higher), "more": HIGHER * higher}
        words["star"] = "" if higher else " (star)"
        told = alt.cones_in_words(labels, layers[:1] if higher else layers)
        yield "cones", fig, caption("cones", **words), told
    else:
        fig = plot.plot_data(data.X, data.y).figure
        words = {"how": ", in one row each" if d == 1 else "" if d <= 3 else how}
        yield "data", fig, caption("data", **words), f"Dots for {alt.classes_in_words(labels)}"
    if net is None:
        return
    found = []
    if len(net.weights) > 1 and max(d, net.widths[1]) > 3:
        found = margins(net, case.data.X)
    # Where no layer decides about a point, as in most trained networks, the strips are empty.
    if found and np.mean([np.abs(m) > 0 for m in found]) >= FEW:
        nearest = np.abs(found).min()
        between = NONE_BETWEEN.format(nearest=nearest) if nearest > 0 else BETWEEN
        words = {"width": max(d, net.widths[1]), "between": between}
        told = alt.margins_in_words(labels, found)
        yield "sectors", plot.plot_margins(net, data.X, data.y), caption("sectors", **words), told
    if case.construction and case.construction.method == "universal":
        fig = plot.plot_piles(net, data.X, data.y)
        told = alt.piles_in_words(labels, sum(ax.get_visible() for ax in fig.axes))
        yield "piles", fig, caption("piles", how=how), told
    elif len(net.weights) > 1:
        stages, drawn = [data.X, *truncate(net, data.X)], as_labels(data.y, len(data.X))
        piled = np.array([collapsed(Z, drawn, data.X) for Z in stages])
        fig = plot.plot_truncation(stages, data.y)
        told = alt.truncation_in_words(drawn, piled)
        yield "truncation", fig, caption("truncation", how=how), told
    # logits have no distance from a target
    if case.certificate is None or case.certificate.loss_name in SQUARED:
        out = net(case.data.X)
        told = alt.outputs_in_words(labels, out)
        fig = plot.plot_outputs(out, case.data.y, case.data.targets).figure
        yield "outputs", fig, CAPTIONS["outputs"], told
    if case.study is not None:
        words = {"steps": about_steps, "trials": _trials(case.study)}
        words |= {"tolerance": case.study.reference.tolerance, "limited": _limited(case.study)}
        words["floor"] = _floored(case.study)
        fig, told = plot_study.figure_of_return(case.study), alt.study_in_words(case.study)
        yield "return", fig, CAPTIONS["return"].format(**words), told


def study_figures(study):
    """Draw what a study found.

    Parameters
    ----------
    study : StudyResult

    Yields
    ------
    key, fig, caption, alt : str, matplotlib Figure, str, str
    """
    certified = any(ref.certified_radius for ref in study.references)
    words = {
        "tolerance": study.references[0].tolerance,
        "certified": CERTIFIED if certified else "",
        "limited": _limited(study),
        "floor": _floored(study),
    }
    fig = plot_study.figure_of_comparison(study)
    yield "comparison", fig, CAPTIONS["comparison"].format(**words), alt.study_in_words(study)
    fig = plot_study.figure_of_start_and_end(study)
    yield "ends", fig, CAPTIONS["ends"].format(**words), alt.ends_in_words(study)
    for k, ref in enumerate(study.references):
        part = study.of(ref.name)
        words = {"name": ref.name, "trials": _trials(study), "floor": _floored(part)}
        fig = plot_study.figure_of_losses(part)
        yield f"losses-{k}", fig, CAPTIONS["losses"].format(**words), alt.study_in_words(part)


def _trials(study):
    """The number of trials per reference and scale."""
    return int(study.frame("scale")["trials"].iloc[0])


def _limited(study):
    summary = study.frame("scale")
    return LIMITED if "limited" in summary and summary["limited"].any() else ""


def _floored(study):
    """That losses are drawn higher than they are, if some of them are."""
    losses = [study.columns[name] for name in ("initial_loss", "final_loss")]
    low = min(np.nanmin(values, initial=np.inf) for values in losses) < plot_study.FLOOR
    return FLOORED.format(floor=plot_study.FLOOR) if low else ""


def some_points(data):
    """The data, or `MOST_POINTS` of them with at least one of each class."""
    n = len(data.X)
    if n <= MOST_POINTS:
        return data
    first = np.unique(data.y, return_index=True)[1]
    others = np.setdiff1d(np.arange(n), first)
    others = np.random.default_rng(0).permutation(others)[: MOST_POINTS - len(first)]
    rows = np.sort(np.concatenate([first, others]))
    return data._replace(X=data.X[rows], y=data.y[rows])


def figure_of_cones(data, net, layers):
    """Draw, for each layer, the data as they arrive and the cone that the layer collapses.

    Parameters
    ----------
    data : Dataset
        With 2 or 3 features.
    net : ReLUNetwork
    layers : sequence of LayerRecord
        If the first layer widens, the others act in a higher dimension and
        are not drawn.

    Returns
    -------
    matplotlib Figure
    """
    d = data.X.shape[1]
    if net.widths[1] > d:
        layers = layers[:1]
    stages = [Z[:, :d] for Z in [data.X, *truncate(net, data.X)]]
    labels = as_labels(data.y, len(data.X))
    box = limits_around(data.X)
    columns = min(len(layers), 3)
    rows = math.ceil(len(layers) / columns)
    fig = plt.figure(figsize=(3.7 * columns + 0.9, 3.9 * rows), layout="constrained")
    for l, layer in enumerate(layers):
        space = {"projection": "3d", "computed_zorder": False} if d == 3 else {}
        ax = fig.add_subplot(rows, columns, l + 1, **space)
        for k, limits in zip("xyz"[:d], box, strict=True):
            getattr(ax, f"set_{k}lim")(limits)
        own = labels.classes.tolist().index(layer.label)
        plot.plot_cones([layer], ax=ax, box=box, classes=[own])
        scatter(ax, stages[l], labels, collapsed=collapsed(stages[l], labels, data.X))
        if np.shape(layer.W) == (d, d):
            _mark_tip(ax, PolyhedralCone.from_layer(layer.W, layer.b))
        if d == 3:
            _fade(ax, labels, own)
            ax.set_box_aspect(np.ptp(box, axis=1), zoom=0.85)
        else:
            ax.set_aspect("equal", adjustable="box")
        few_ticks(ax, 5 - d)
        ax.tick_params(labelsize=8)
        name_axes(ax, [coordinate(k) for k in range(d)])
        add_title(ax, f"layer {layer.index} collapses class {legible(layer.label)}", 3.5)
    add_figure_legend(fig, labels.classes, title="class")
    return fig


def _mark_tip(ax, cone):
    """Mark the tip of a cone; in 3-D, look nearly along the axis of the backward cone into it."""
    ax.scatter(*cone.base, marker="*", s=90, color="black", edgecolor="white", lw=0.6, zorder=9)
    if len(cone.base) == 3:
        x, y, z = -(cone.edges / np.linalg.norm(cone.edges, axis=1, keepdims=True)).sum(axis=0)
        ax.set_proj_type("ortho")
        # A little from the side, so that no axis of the picture is a point.
        elev, azim = np.degrees([np.arctan2(z, np.hypot(x, y)), np.arctan2(y, x)])
        ax.view_init(elev + TILT, azim + TILT)


def _fade(ax, labels, own):
    """Draw all classes but one pale: in 3-D what lies behind a cone seems to lie in it."""
    clouds = [c for c in ax.collections if isinstance(c, PathCollection)]
    for j, cloud in enumerate(clouds[: len(labels.classes)]):
        if j != own:
            cloud.set_alpha(0.45)
