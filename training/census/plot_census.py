"""Figures of a census: the losses of all runs by kind, and how often each is reached."""

import matplotlib.pyplot as plt
import numpy as np

from geomcore.plot.style import VERDICT_STYLES
from training.census.ending import INFINITY, KINDS, NOWHERE
from training.census.tables import shape

STYLES = VERDICT_STYLES | {INFINITY: ("#E69F00", "^"), NOWHERE: ("#000000", "x")}
RANGE = 30  # of the losses above zero loss: beyond this factor the axis is logarithmic
FLOOR = 1e-12  # of the largest loss: losses below are drawn here
BINS = 60
CAPTION = (
    "Left, the losses of all runs in rising order, each coloured by what it ended at; where "
    "runs end at one point there is a step. Right, how many runs end near each loss, by kind. Runs "
    "that run to infinity or settle nowhere are drawn at the loss at which they were given up."
)
OVERVIEW = (
    "The losses of all runs of each census, each coloured by what it ended at; the bar is the "
    "median. Shifts to the sides only keep marks apart."
)


def figures(found):
    """Draw the losses of a `Census`.

    Yields
    ------
    key, fig, caption, alt : str, matplotlib Figure, str, str
    """
    yield "losses", figure_of_losses(found), CAPTION, losses_in_words([found])


def figure_of_losses(found):
    """Draw the losses of the runs in rising order, and a histogram by kind beside them.

    Parameters
    ----------
    found : Census

    Returns
    -------
    matplotlib Figure
    """
    losses, kinds = _drawn(found)
    losses, edges, label = _scaled(losses)
    fig, (ax, side) = plt.subplots(
        1, 2, figsize=(9, 4.8), sharey=True, width_ratios=(3, 1), layout="constrained"
    )
    order = np.argsort(losses, kind="stable")
    for kind in _present(kinds):
        color, marker = STYLES[kind]
        at = np.flatnonzero(kinds[order] == kind)
        ax.plot(at + 1, losses[order][at], **_marks(color, marker))
    own = [losses[kinds == kind] for kind in _present(kinds)]
    colors = [STYLES[kind][0] for kind in _present(kinds)]
    if own:
        side.hist(own, bins=edges, orientation="horizontal", stacked=True, color=colors)
    ax.set(xlabel="runs, by loss", ylabel=label, yscale="log" if label != "loss" else "linear")
    side.set_xlabel("number of runs")
    for one in (ax, side):
        one.grid(axis="y", color="0.9")
        one.set_axisbelow(True)
    for one in (ax, side):
        one.xaxis.get_major_locator().set_params(integer=True)
    _legend(fig, _present(kinds), "outside upper center", ncols=4)
    return fig


def figure_of_shapes(censuses):
    """Draw the losses of all runs of several censuses side by side.

    Parameters
    ----------
    censuses : list of Census
        At least one.

    Returns
    -------
    matplotlib Figure
    """
    size = max(6.0, 3.5 + 1.3 * len(censuses))
    fig, ax = plt.subplots(figsize=(size, 4.8), layout="constrained")
    drawn = [_drawn(found) for found in censuses]
    everything, _, label = _scaled(np.concatenate([losses for losses, _ in drawn]))
    for place, (losses, kinds) in enumerate(drawn):
        losses = np.maximum(losses, everything.min(initial=np.inf))
        # The same places whatever else is drawn: a sequence that fills an interval evenly.
        shift = 0.7 * (((np.arange(len(losses)) * 0.618034) % 1) - 0.5)
        for kind in _present(kinds):
            color, marker = STYLES[kind]
            own = kinds == kind
            ax.plot(place + shift[own], losses[own], **_marks(color, marker))
        if len(losses):
            middle = np.median(losses)
            ax.plot([place - 0.42, place + 0.42], [middle, middle], color="black", lw=1.2)
    names = [f"{found.data.name}\n{shape(found)}" for found in censuses]
    ax.set_xticks(range(len(censuses)), names)
    ax.set_xlim(-0.6, len(censuses) - 0.4)
    ax.set(ylabel=label, yscale="log" if label != "loss" else "linear")
    ax.grid(axis="y", color="0.9")
    ax.set_axisbelow(True)
    _legend(fig, _present(np.concatenate([kinds for _, kinds in drawn])), "outside right center")
    return fig


def losses_in_words(censuses):
    """What a figure of losses shows, in words."""
    told = []
    for found in censuses:
        counts = {kind: sum(e.kind == kind for e in found.endings) for kind in KINDS}
        parts = [f"{number} {kind}" for kind, number in counts.items() if number]
        told.append(f"{found.data.name} {shape(found)}: {', '.join(parts)}")
    return f"Losses of the runs by kind. {'; '.join(told)}."


def _drawn(found):
    """Losses that can be drawn, and their kinds, as arrays."""
    own = [ending for ending in found.endings if np.isfinite(ending.loss)]
    losses = np.array([ending.loss for ending in own])
    return losses, np.array([ending.kind for ending in own], dtype=object)


def _present(kinds):
    return [kind for kind in KINDS if (kinds == kind).any()]


def _marks(color, marker):
    edge = {} if marker == "x" else {"mec": "white", "mew": 0.4}
    return {"color": color, "marker": marker, "ms": 9 if marker == "*" else 5.5, "ls": ""} | edge


def _scaled(losses):
    """Losses as they are drawn, edges of bins, and the label of their axis.

    The axis is logarithmic where they differ much; "loss" alone is the label of a linear one.
    """
    if not len(losses):
        return losses, BINS, "loss"
    top, least = losses.max(), losses.min()
    margin = 0.02 * (top - least or top or 1.0)
    if least * RANGE >= top:
        return losses, np.linspace(least - margin, top + margin, BINS + 1), "loss"
    floor = max(least, FLOOR * top)
    below = f", those below {floor:.0e} drawn there" if least < floor else ""
    edges = np.geomspace(floor / 1.05, top * 1.05, BINS + 1)
    return np.maximum(losses, floor), edges, f"loss (logarithmic{below})"


def _legend(fig, kinds, place, **options):
    handles = [plt.Line2D([], [], **_marks(*STYLES[kind]), label=kind) for kind in kinds]
    fig.legend(handles=handles, loc=place, frameon=False, fontsize=9, **options)
