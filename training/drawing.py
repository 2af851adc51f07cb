"""Which figures a case gets, and what their captions say."""

from training import plot

CAPTIONS = {
    "cones": "The data as they arrive at each hidden layer, one colour per class, and the "
    "backward cone of the layer (shaded in the colour of a class). The layer collapses what lies "
    "in this cone to the cone's tip.{more}",
    "data": "The data, one colour per class{how}.",
    "sectors": "The cones in {d} dimensions, seen through the pre-activations a layer computes. "
    "A point in the grey quarter has only negative pre-activations: it lies in the backward "
    "cone and is collapsed. A point in the upper right quarter has only positive ones: it lies in "
    "the forward cone and stays where it is. No point is in between.",
    "truncation": "The truncated data after each hidden layer{how}, always with the same axes. "
    "What the network does to the data is this: class by class becomes one point (large marker). "
    "Points that meet in this picture may be apart in other directions.",
    "outputs": "What the network answers, beside what it should answer.",
    "losses": "Every tensor of the network was moved by random noise of norm λ, then trained "
    "by plain gradient descent ({steps}). Each row is a histogram of the losses that {trials} "
    "such trials end with; the further left the better.",
    "return": "The fraction of the trials that come back to the loss of the constructed "
    "network (to within {tolerance:.1e}), with 95 % Wilson intervals.",
}

HIGHER = (
    " This first layer has more dimensions than the data; the layers after it act there and are "
    "not drawn."
)


def draw(case, run, *, about_steps=""):
    """Draw all that is known about `case` into the run folder; note it in ``case.figures``.

    Parameters
    ----------
    case : Case
    run : RunFolder
    about_steps : str
        How long was trained, for a caption.
    """
    d = case.data.X.shape[1]
    how = "" if d <= 2 else " in the plane of their two main directions (PCA of the data)"

    net = case.network

    def add(key, fig, **words):
        stem = f"{case.name}-{key}"
        case.figures.append((run.figure(stem, fig), CAPTIONS[key].format(**words)))
        plot.close(fig)

    with case.timed("figures"):
        if case.construction and d in (2, 3):
            figure = plot.figure_of_cones(case.data, net, case.construction.layers)
            add("cones", figure, more=HIGHER if net.widths[1] > d else "")
        else:
            add("data", plot.figure_of_data(case.data), how="" if d <= 3 else how)
        if net is None:
            return
        if d > 3 and len(net.weights) > 1:
            add("sectors", plot.figure_of_sectors(net, case.data), d=d)
        if len(net.weights) > 1:
            add("truncation", plot.figure_of_truncation(net, case.data), how=how)
        add("outputs", plot.figure_of_outputs(net, case.data))
        if case.study is not None:
            trials = int(case.study.summary()["trials"].iloc[0])
            add("losses", plot.figure_of_losses(case.study), steps=about_steps, trials=trials)
            add("return", plot.figure_of_return(case.study), tolerance=case.study.tolerance)
