"""Figures of a study: what becomes of perturbations, against their size."""

import matplotlib.pyplot as plt
import numpy as np

from geomcore import plot
from geomcore.plot.style import arms, class_style, logarithmic, panels

# Losses up to this one are drawn at it: below, rounding decides.
FLOOR = 1e-20


def figure_of_comparison(study):
    r"""Draw return fraction, final loss and accuracy of all references, one below the other.

    The horizontal axis is the total norm of the perturbation, which can be
    compared between networks of different depth and with the certified basin;
    :math:`\lambda` is the norm per tensor.

    Parameters
    ----------
    study : StudyResult

    Returns
    -------
    matplotlib Figure
        On top, the fraction that returns with its Wilson intervals, the place
        where it crosses one half (dotted, with the bootstrap interval as a bar)
        and, as a dashed line, the certified radius if there is one. In the
        middle, median and quartiles of the final loss. At the bottom, the mean
        accuracy.
    """
    summary, basins = study.frame("scale"), study.basins()
    fig, axes = plt.subplots(
        3,
        1,
        figsize=(7.5, 8),
        sharex=True,
        layout="constrained",
        gridspec_kw={"height_ratios": [3, 3, 2]},
    )
    back, loss, hits = axes
    top = _ceiling(summary[["q25", "median", "q75"]])
    for k, ref in enumerate(study.references):
        color, marker = class_style(k)
        rows = summary[summary["reference"] == ref.name].sort_values("norm")
        x, style = rows["norm"], {"color": color, "marker": marker, "ms": 4, "lw": 1.4}
        bars = arms(rows["fraction"], rows["low"], rows["high"])
        back.errorbar(x, rows["fraction"], bars, capsize=2.5, label=_written(ref.name), **style)
        low, middle, high = (_drawable(rows[name], top) for name in ("q25", "median", "q75"))
        loss.plot(x, middle, label=_written(ref.name), **style)
        loss.fill_between(x, low, high, color=color, alpha=0.15, lw=0)
        if ref.loss > FLOOR:
            loss.axhline(ref.loss, color=color, lw=0.7, ls=":")
        hits.plot(x, rows["accuracy"], label=_written(ref.name), **style)
        radius, ends = basins["norm"][k], basins.loc[k, ["norm_low", "norm_high"]].astype(float)
        if 0 < radius < np.inf:
            back.plot([radius, radius], [0, 0.5], color=color, lw=1, ls=":")
            if ends.iloc[0] > 0 and np.isfinite(ends.iloc[1]):
                back.plot(ends, [0.5, 0.5], color=color, lw=5, alpha=0.4, solid_capstyle="butt")
        if ref.certified_radius:
            for ax in axes:
                ax.axvline(ref.certified_radius, color=color, lw=1.2, ls="--")
    back.axhline(0.5, color="0.7", lw=0.8)
    back.set_ylim(-0.04, 1.04)
    back.set_ylabel("fraction that returns")
    loss.set_yscale("log")
    loss.set_ylabel("final loss: median, quartiles")
    hits.set_ylim(min(0.45, summary["accuracy"].min()) - 0.05, 1.03)
    hits.set_ylabel("accuracy (mean)")
    hits.set_xlabel("total norm of the perturbation" + _per_tensor(study))
    logarithmic(hits, summary["norm"], [ref.certified_radius for ref in study.references])
    for ax in axes:
        ax.grid(alpha=0.25)
    if len(study.references) > 1 or any(ref.certified_radius for ref in study.references):
        handles, labels = back.get_legend_handles_labels()
        if any(ref.certified_radius for ref in study.references):
            handles.append(plt.Line2D([], [], color="0.3", lw=1.2, ls="--"))
            labels.append("certified")
        fig.legend(handles, labels, loc="outside right upper", fontsize=8, frameon=False)
    return fig


def figure_of_start_and_end(study):
    """Draw the final against the initial loss of every trial, one panel per reference.

    Parameters
    ----------
    study : StudyResult

    Returns
    -------
    matplotlib Figure
        The colour is the scale; on the diagonal training has changed nothing.
    """
    names = [ref.name for ref in study.references]
    fig, axes = panels(len(names), columns=3, size=(4.2, 3.6), margin=(1, 0.4))
    losses = [study.columns[name] for name in ("initial_loss", "final_loss")]
    ceiling = _ceiling(np.concatenate(losses))
    scales = study.scales.tolist()
    shades = plt.get_cmap("viridis")(np.linspace(0, 0.9, len(scales)))
    for ax, name in zip(axes, names, strict=True):
        part = study.of(name).columns
        start, end = (_drawable(part[key], ceiling) for key in ("initial_loss", "final_loss"))
        for scale, shade in zip(scales, shades, strict=True):
            at = part["scale"] == scale
            ax.scatter(start[at], end[at], s=7, color=shade, lw=0, alpha=0.7)
        ends = [min(start.min(), end.min()), max(start.max(), end.max())]
        ax.plot(ends, ends, color="0.5", lw=0.8, ls="--", zorder=0)
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.grid(alpha=0.25)
        if len(names) > 1:
            ax.set_title(_written(name), fontsize=10)
    fig.supxlabel("loss after the perturbation", fontsize=10)
    fig.supylabel("loss after training", fontsize=10)
    handles = [
        plt.Line2D([], [], color=shade, marker="o", ls="", ms=4, label=f"{scale:g}")
        for scale, shade in zip(scales, shades, strict=True)
    ]
    fig.legend(
        handles=handles, title="$\\lambda$", loc="outside right center", fontsize=8, frameon=False
    )
    return fig


def figure_of_losses(study):
    """Draw the histogram of final losses for each scale of a study with one reference.

    Parameters
    ----------
    study : StudyResult

    Returns
    -------
    matplotlib Figure
    """
    losses = {scale: study.losses(scale) for scale in study.scales.tolist()}
    return plot.plot_histograms(losses, reference=study.reference.loss)


def figure_of_return(study):
    """Draw the fraction of the trials that return, with Wilson intervals, against the scale.

    Parameters
    ----------
    study : StudyResult
        With one reference.

    Returns
    -------
    matplotlib Figure
    """
    summary = study.frame("scale")
    ax = plot.plot_return(summary["scale"], summary["fraction"], summary[["low", "high"]])
    return ax.figure


def _written(name):
    """The name of a reference as matplotlib shows it: dollars, and no underscore in front."""
    return f" {name}".replace("$", "\\$") if name.startswith("_") else name.replace("$", "\\$")


def _per_tensor(study):
    """How the axis of total norms is read in lambda, if that is the same for all references."""
    units = {round(ref.norm_per_scale, 9) for ref in study.references}
    return f"  ($= {units.pop():.3g}\\,\\lambda$)" if len(units) == 1 else ""


def _ceiling(losses):
    """Where losses that are no numbers are drawn: above all the others."""
    values = np.asarray(losses, dtype=float)
    finite = values[np.isfinite(values)]
    return 10 * max(finite.max(initial=FLOOR), FLOOR)


def _drawable(losses, ceiling):
    return np.clip(np.nan_to_num(np.asarray(losses, float), nan=np.inf), FLOOR, ceiling)
