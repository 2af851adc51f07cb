"""What the experiment of `training.experiments.dynamics` found, as tables."""

import numpy as np

from training.experiments.dynamics import QUANTITIES


def in_words(found):
    """For each fraction the median over seeds of what was measured, as strings by column."""
    told = []
    for fraction in found.fractions:
        rows = [row for row in found.rows if row["fraction"] == fraction]

        def middle(name, form="{:.3g}", rows=rows):
            values = np.array([row[name] for row in rows], dtype=float)
            values = values[~np.isnan(values)]
            return form.format(np.median(values)) if len(values) else "-"

        def ends(name, rows=rows):
            values = np.array([row[name] for row in rows], dtype=float)
            values = values[~np.isnan(values)]
            return f"{values.min():.2g} to {values.max():.2g}" if len(values) else "-"

        told.append(
            {
                "truncated": f"{100 * fraction:.3g}%",
                "rate": middle("spread_rate"),
                "of the seeds": ends("spread_rate"),
                "R²": middle("spread_r_squared"),
                "first half": middle("early_rate"),
                "second half": middle("late_rate"),
                "base point": middle("base_rate"),
                "collapsed at the end": middle("collapsed_end", "{:.0%}"),
                "spread, end": middle("spread_end"),
                "loss, end": middle("loss_end", "{:.1e}"),
                "rank": f"{middle('rank')} of {rows[0]['width']}",
                "defect": ends("defect"),
            }
        )
    return told


def models(found):
    """The two models for each quantity side by side, with the verdict, as strings by column."""

    def number(value, form="{:.3g}"):
        return form.format(value) if np.isfinite(value) else "-"

    rows = []
    for key, about in QUANTITIES.items():
        over = "along the run" if key == "along" else "with the fraction"
        for row in found.dependence[key].frame().itertuples():
            known = row.low < row.high
            rows.append(
                {
                    "rate of": about,
                    "model": row.model.replace("with the fraction", over),
                    "slope": number(row.slope),
                    "95 % interval": f"{row.low:.3g} to {row.high:.3g}" if known else "-",
                    "residual": number(row.residual),
                    "AIC": number(row.aic, "{:.1f}"),
                }
            )
    return rows


def verdict_rows(found):
    """Verdict and numbers for each quantity, for a table."""
    names = ("slope", "low", "high", "mean_rate", "residual", "residual_constant", "aic")
    return [
        {"claim": "E5", "quantity": about, **found.verdicts[key]._asdict()}
        | {name: getattr(found.dependence[key], name) for name in (*names, "aic_constant")}
        | {"seeds": len(found.dependence[key].slopes), "runs": found.dependence[key].runs}
        for key, about in QUANTITIES.items()
    ]


def course(found):
    """What happened to the class, record by record, in the layer that truncates it.

    Parameters
    ----------
    found : Dynamics

    Returns
    -------
    pandas.DataFrame
        The columns of `TruncationHistory.frame`, with seed, fraction and time.
    """
    import pandas as pd

    tables = []
    firsts = found.rows[:: len(found.fractions)]
    for row, started, history in zip(firsts, found.starts, found.histories, strict=True):
        frame = history.frame()
        frame = frame[(frame.layer == started.layer + 1) & (frame["class"] == found.label)]
        frame.insert(0, "seed", row["seed"])
        frame.insert(1, "fraction", np.array(found.fractions)[frame.trial])
        frame.insert(3, "time", started.rate * frame.step)
        tables.append(frame.drop(columns="trial"))
    return pd.concat(tables, ignore_index=True)
