"""The picture of a regularisation path."""

import matplotlib.pyplot as plt
import numpy as np

# Gaps below this are drawn at it.
FLOOR = 1e-16
BLUE, ORANGE = "#0072B2", "#D55E00"


def figure_of_path(path):
    """Draw loss, neurons and gap against the weight decay, one below the other.

    Parameters
    ----------
    path : TwoLayerPath

    Returns
    -------
    matplotlib Figure
        On top the loss of the best network (line) with the proved lower bound (triangles), and its
        mean squared error without the decay (dashed). Below the neurons of the networks, and the
        relative gaps with the one that was asked for (dotted).
    """
    omega = path.weight_decays
    loss = np.array([o.loss for o in path.optima])
    lower = np.array([o.lower_bound for o in path.optima])
    gaps = np.maximum([o.gap for o in path.optima], FLOOR)
    fig, (top, middle, bottom) = plt.subplots(
        3, 1, figsize=(7, 7.5), sharex=True, layout="constrained", height_ratios=(3, 2, 2)
    )
    top.plot(omega, loss, "o-", color=BLUE, ms=4, label="loss of the best network")
    top.plot(omega, lower, "^", color="black", ms=4, mfc="none", label="proved lower bound")
    top.plot(omega, path.errors, "s--", color=ORANGE, ms=3, label="its squared error alone")
    top.set(ylabel="loss", ylim=(0, None))
    top.legend(fontsize="small")
    middle.plot(omega, [o.neurons for o in path.optima], "o-", color=BLUE, ms=4)
    middle.set(ylabel="neurons", ylim=(0, None))
    middle.yaxis.get_major_locator().set_params(integer=True)
    bottom.plot(omega, gaps, "o-", color=BLUE, ms=4)
    bottom.axhline(max(path.optima[0].asked, FLOOR), color="black", ls=":", lw=1)
    bottom.set(ylabel="relative gap (proved)", yscale="log", xlabel="weight decay", xscale="log")
    for ax in (top, middle, bottom):
        ax.grid(color="0.9")
        ax.set_axisbelow(True)
    return fig
