"""Which figures a case gets, and what their captions say."""

import numpy as np

from geomcore.plot.style import close
from training.commands import plot
from training.study import plot as plot_study

CAPTIONS = {
    "cones": "The data as they arrive at each hidden layer, one colour per class, and the "
    "backward cone of the layer (shaded in the colour of a class). The layer collapses what lies "
    "in this cone to the cone's tip.{more}",
    "data": "The data, one colour per class{how}.",
    "sectors": "The cones in {width} dimensions, seen through the pre-activations that a layer "
    "computes. A point in the grey quarter has only negative pre-activations: it lies in the "
    "backward cone and is collapsed. A point in the upper right quarter has only positive ones: "
    "it lies in the forward cone and stays where it is. {between}",
    "truncation": "The truncated data after each hidden layer{how}, always with the same axes. "
    "What the network does to the data is this: class by class becomes one point (large marker). "
    "Points that meet in this picture may be apart in other directions.",
    "piles": "The truncated data after each hidden layer{how}, always with the same axes. Each "
    "layer cuts points of one class off with a hyperplane and sends them, with those of this class "
    "that went before, to one point, the pile of the class (large marker, with the number of "
    "points in it). The piles lie in dimensions that the data do not have; the picture shows "
    "these as a shift away from the data. Where layers are grouped as the rest, the last picture "
    "shows the outputs in place of the piles.",
    "outputs": "What the network answers, beside what it should answer.",
    "losses": "Every tensor of the network was moved by random noise of norm λ, then trained "
    "by plain gradient descent ({steps}). Each row is a histogram of the losses that {trials} "
    "such trials end with; the further left the better.",
    "comparison": "Against the total norm of the perturbation: the fraction of the trials that "
    "return to the loss of the reference (to within {tolerance:.1e}) with 95 % Wilson intervals, "
    "dotted where one half do; median and quartiles of the final loss, dotted the loss of the "
    "reference; mean accuracy.{certified}",
    "ends": "The loss after the perturbation and the loss after training, one point per trial. "
    "On the dashed line training has changed nothing.",
    "histogram": "Histograms of the final losses of {name}, one row per λ; {trials} trials each.",
    "return": "The fraction of the trials that come back to the loss of the constructed "
    "network (to within {tolerance:.1e}), with 95 % Wilson intervals.",
}

HIGHER = (
    " This first layer has more dimensions than the data; the layers after it act there and are "
    "not drawn."
)

BETWEEN = "The points in between are moved to a face of the forward cone."

# More make a picture slower and its vector file larger, not clearer.
MOST_POINTS = 4000


def draw(case, run, *, about_steps=""):
    """Draw all that is known about `case` into the run folder; note it in ``case.figures``.

    Parameters
    ----------
    case : Case
    run : RunFolder
    about_steps : str
        How long was trained, for a caption.
    """
    d, data = case.data.X.shape[1], some_points(case.data)
    some = "" if data is case.data else f" Drawn are {MOST_POINTS:,} points chosen at random."
    how = "" if d <= 2 else " in the plane of their two main directions (PCA of the data)"

    net = case.network

    def add(key, fig, **words):
        stem = f"{case.name}-{key}"
        caption = CAPTIONS[key].format(**words)
        if key in ("cones", "data", "sectors", "truncation", "piles"):
            caption += some
        case.figures.append((run.figure(stem, fig), caption))
        close(fig)

    with case.timed("figures"):
        if case.construction and d in (2, 3):
            figure = plot.figure_of_cones(data, net, case.construction.layers)
            add("cones", figure, more=HIGHER if net.widths[1] > d else "")
        else:
            add("data", plot.figure_of_data(data), how="" if d <= 3 else how)
        if net is None:
            return
        if len(net.weights) > 1 and max(d, net.widths[1]) > 3:
            ranges = plot.preactivation_ranges(net, case.data.X)
            mixed = any(((low < 0) & (high > 0)).any() for low, high in ranges)
            figure = plot.figure_of_sectors(net, data)
            between = BETWEEN if mixed else "No point is in between."
            add("sectors", figure, width=max(d, net.widths[1]), between=between)
        if case.construction and case.construction.method == "universal":
            add("piles", plot.figure_of_piles(net, data), how=how)
        elif len(net.weights) > 1:
            add("truncation", plot.figure_of_truncation(net, data), how=how)
        add("outputs", plot.figure_of_outputs(net, case.data))
        if case.study is not None:
            trials = int(case.study.summary()["trials"].iloc[0])
            add("losses", plot.figure_of_losses(case.study), steps=about_steps, trials=trials)
            add(
                "return",
                plot.figure_of_return(case.study),
                tolerance=case.study.reference.tolerance,
            )


def draw_study(case, run):
    """Draw what the study of `case` found into the run folder; note it in ``case.figures``."""
    study, trials = case.study, int(case.study.summary()["trials"].iloc[0])

    def add(key, fig, **words):
        stem = f"{case.name}-{key}"
        caption = CAPTIONS[key.split("-")[0]].format(**words)
        case.figures.append((run.figure(stem, fig), caption))
        close(fig)

    certified = any(ref.certified_radius for ref in study.references)
    add(
        "comparison",
        plot_study.figure_of_comparison(study),
        tolerance=study.references[0].tolerance,
        certified=" The dashed line is the certified radius." if certified else "",
    )
    add("ends", plot_study.figure_of_start_and_end(study))
    for k, ref in enumerate(study.references):
        fig = plot.figure_of_losses(study.of(ref.name))
        add(f"histogram-{k}", fig, name=ref.name, trials=trials)


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
