"""Figures of a study: what becomes of perturbations, against their size."""

import matplotlib.pyplot as plt
import numpy as np

from geomcore import plot
from geomcore.plot.sizes import shade_met
from geomcore.plot.style import arms, class_style, logarithmic, panels
from geomcore.plot.ticks import places_apart, powers

# Losses up to this one are drawn at it: below, rounding decides.
FLOOR = 1e-20
FAR = 30  # certified radii that are so many times smaller than all norms are not drawn
EMPTY = {"ls": "", "mfc": "white", "zorder": 5}  # markers where the budget decides


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
        On top, the fraction of those that left that return, with its Wilson
        intervals, empty markers where the budget decides; dashed, the fraction
        that is within the tolerance before any training; the place where one
        half returns (dotted, with the bootstrap interval as a bar) and, as a
        dash-dotted line, the certified radius if there is one. In the middle,
        median and quartiles of the final loss. At the bottom, the mean accuracy.
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
    norms = summary["norm"]
    # A radius far below all norms would make the picture one of empty space.
    visible = norms[norms > 0].min() / FAR if (norms > 0).any() else 0
    for k, ref in enumerate(study.references):
        color, marker = class_style(k)
        rows = summary[summary["reference"] == ref.name].sort_values("norm")
        x, style = rows["norm"], {"color": color, "marker": marker, "ms": 4, "lw": 1.4}
        left = rows[rows["left"] > 0]
        bars = arms(left["fraction"], left["low"], left["high"])
        name = _written(ref.name)
        back.errorbar(left["norm"], left["fraction"], bars, capsize=2.5, label=name, **style)
        if left["limited"].any():
            limited = left[left["limited"]]
            back.plot(limited["norm"], limited["fraction"], **style | EMPTY)
        back.plot(x, rows["untrained"], color=color, lw=1, ls="--", alpha=0.7)
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
        if ref.certified_radius and ref.certified_radius >= visible:
            for ax in axes:
                ax.axvline(ref.certified_radius, color=color, lw=1.2, ls="-.")
    back.axhline(0.5, color="0.7", lw=0.8)
    back.set_ylim(-0.04, 1.04)
    back.set_ylabel("fraction that is back")
    loss.set_yscale("log")
    powers(loss.yaxis, FLOOR, 1)
    loss.set_ylabel("final loss: median, quartiles")
    hits.set_ylim(min(0.45, summary["accuracy"].min()) - 0.05, 1.03)
    hits.set_ylabel("accuracy (mean)")
    hits.set_xlabel("total norm of the perturbation" + _per_tensor(study))
    certified = [ref.certified_radius for ref in study.references if ref.certified_radius]
    logarithmic(hits, norms, [radius for radius in certified if radius >= visible])
    if (norms == 0).any() and (norms > 0).any():
        # An axis that is linear close to 0 would go on to the left of it.
        hits.set_xlim(-norms[norms > 0].min() / 2, 1.5 * norms.max())
    for ax in axes:
        ax.grid(alpha=0.25)
    handles, labels = back.get_legend_handles_labels()
    if len(study.references) == 1:
        labels = ["after training,\nof those that left"]
    more = {"before training,\nof all trials": {"lw": 1, "ls": "--"}}
    if len(study.references) > 1:
        more = {"after training,\nof those that left": {"lw": 1.4}} | more
    if summary["limited"].any():
        more["the budget decides"] = {"marker": "o", "ms": 4, "ls": "", "mfc": "white"}
    if any(radius >= visible for radius in certified):
        more["certified"] = {"lw": 1.2, "ls": "-."}
    if any(radius < visible for radius in certified):
        least = min(radius for radius in certified if radius < visible)
        more[f"certified: {least:.1e},\nfar left of the picture"] = {"ls": ""}
    handles += [plt.Line2D([], [], color="0.3", **style) for style in more.values()]
    labels += more
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
        powers(ax.xaxis, *ax.get_xlim())
        powers(ax.yaxis, *ax.get_ylim())
        ax.grid(alpha=0.25)
        if len(names) > 1:
            ax.set_title(_written(name), fontsize=10)
    fig.supxlabel("loss after the perturbation", fontsize=10)
    fig.supylabel("loss after training", fontsize=10)
    handles = [
        plt.Line2D([], [], color=shade, marker="o", ls="", ms=4, label=f"{scale:g}")
        for scale, shade in zip(scales, shades, strict=True)
    ]
    fig.legend(handles=handles, title="λ", loc="outside right center", fontsize=8, frameon=False)
    return fig


def figure_of_losses(study):
    """Draw the losses of all trials before and after training, scale by scale.

    Parameters
    ----------
    study : StudyResult
        With one reference.

    Returns
    -------
    matplotlib Figure
        The colour of a dot is what became of the trial, the dashed line the
        loss up to which it counts as returned.
    """
    fig, ax = plt.subplots(figsize=(5.6, 4.2), layout="constrained")
    _draw_losses(study, ax)
    _add_legend(ax)
    return fig


def figure_of_return(study):
    """Draw the fraction of the trials that left and return, above the losses of all trials.

    Parameters
    ----------
    study : StudyResult
        With one reference.

    Returns
    -------
    matplotlib Figure
        On top the fraction with Wilson intervals, beside that of the trials
        that are within the tolerance before any training; grey where these are
        half of all. Below as `figure_of_losses`.
    """
    summary = study.frame("scale")
    fig, (back, loss) = plt.subplots(
        2, 1, figsize=(5.6, 6.4), sharex=True, layout="constrained", height_ratios=[2, 3]
    )
    scales, untrained = summary["scale"].to_numpy(), summary["untrained"].to_numpy()
    plot.plot_return(
        scales,
        summary["fraction"],
        summary[["low", "high"]],
        untrained=untrained,
        limited=summary["limited"],
        ax=back,
    )
    back.set(xlabel="", ylabel="fraction that returns")
    _draw_losses(study, loss)
    shade_met(loss, scales, untrained)
    # How many trials each fraction speaks of, above it, one above the other where they are close.
    told = [f"{row.returned}/{row.left}" for row in summary.itertuples()]
    wide = [0.07 * (len(text) + 1) for text in told]
    place = 4.6 * back.transLimits.transform(back.transScale.transform(np.c_[scales, untrained]))
    levels = places_apart(place[:, 0], wide, len(told))
    back.set_ylim(-0.05, 1.2 + 0.1 * max(levels))
    back.set_yticks([0, 0.5, 1])
    for scale, text, level in zip(scales, told, levels, strict=True):
        back.annotate(text, (scale, 1.1 + 0.1 * level), ha="center", va="center", fontsize=7)
    back.set_title("trials that returned / trials that left", fontsize=8)
    _add_legend(back)
    _add_legend(loss)
    return fig


def _add_legend(ax):
    """Put the legend of `ax` below it, where a narrow screen has room."""
    below = -0.2 if ax.get_xlabel() else -0.05
    options = {"loc": "upper center", "ncols": 3, "fontsize": 8, "frameon": False}
    ax.legend(bbox_to_anchor=(0.5, below), **options)


def _draw_losses(study, ax):
    ref, columns, outcome = study.reference, study.columns, study.outcome
    # What ended lower than its reference is not back either, but stuck is no word for it.
    gone = ~np.isin(outcome, ("stayed", "returned", "diverged"))
    outcome = np.where(gone & study.below, "below", outcome)
    scales = study.scales.tolist()
    at = {scale: columns["scale"] == scale for scale in scales}
    plot.plot_losses(
        {scale: columns["final_loss"][at[scale]] for scale in scales},
        initial={scale: columns["initial_loss"][at[scale]] for scale in scales},
        outcomes={scale: outcome[at[scale]] for scale in scales},
        tolerance=ref.loss + ref.tolerance,
        floor=FLOOR,
        ax=ax,
    )


def _written(name):
    """The name of a reference as matplotlib shows it: dollars, and no underscore in front."""
    return f" {name}".replace("$", "\\$") if name.startswith("_") else name.replace("$", "\\$")


def _per_tensor(study):
    """How the axis of total norms is read in lambda, if that is the same for all references."""
    units = {round(ref.norm_per_scale, 9) for ref in study.references}
    return f"  (= {units.pop():.3g} λ)" if len(units) == 1 else ""


def _ceiling(losses):
    """Where losses that are no numbers are drawn: above all the others."""
    values = np.asarray(losses, dtype=float)
    finite = values[np.isfinite(values)]
    return 10 * max(finite.max(initial=FLOOR), FLOOR)


def _drawable(losses, ceiling):
    return np.clip(np.nan_to_num(np.asarray(losses, float), nan=np.inf), FLOOR, ceiling)
