"""What a study found, as strings for a reader."""

import warnings
from html import escape
from pathlib import Path
from textwrap import wrap

from geomcore.foreign.wording import counted, printable, rounded, shortened
from training.study.basin import radius_in_words
from training.study.outcomes import FAR, OUTCOMES, UNKNOWN

SLOW = 1e-5  # a proved part of the loss per step below which nobody would wait


class Summary(str):
    """A text that still answers as the table of the same name that it replaces."""

    def __new__(cls, text, frame):
        made = super().__new__(cls, text)
        made._frame = frame
        return made

    def __reduce__(self):
        return Summary, (str(self), self._frame)

    def __getitem__(self, key):
        if not isinstance(key, str | list):
            return super().__getitem__(key)
        warnings.warn(
            "summary() is a text; the table is frame('scale')", DeprecationWarning, stacklevel=2
        )
        return self._frame[key]


def scale_rows(frame):
    """The rows of ``StudyResult.frame("scale")`` as strings by column, at most 80 wide.

    The reference is named if there are several, and trials that ended below theirs are counted
    if there are any. An asterisk marks where steps or rate decide, see `NOTES`.
    """
    several, below = frame["reference"].nunique() > 1, frame["below"].any()
    told = ["returned", "falling", "stuck", "diverged"]
    # An older file cannot tell those that were falling from those that were stuck.
    rest = frame["left"] - frame[told].sum(axis=1)
    return [
        {
            **({"reference": _named(row.reference)} if several else {}),
            "λ": f"{row.scale:.4g}",
            "stayed": str(row.stayed),
            "returned": f"{row.returned} of {row.left}" + (" *" if row.limited else "  "),
            "95 %": f"{row.low:.0%} – {row.high:.0%}" if row.left else "-",
            **({"not back": str(other)} if rest.any() else _not_back(row)),
            "diverged": str(row.diverged),
            **({"below": str(row.below)} if below else {}),
            "loss": f"{row.median:.0e}",
        }
        for row, other in zip(frame.itertuples(), rest, strict=True)
    ]


def _named(reference):
    """A name as it stands in a table of 80 columns."""
    return shortened(printable(reference), 20)


def _not_back(row):
    return {"falling": str(row.falling), "stuck": str(row.stuck)}


def notes(frame):
    """What the words of `scale_rows` mean, as lines of a text of at most 80 characters."""
    lines = [
        "stayed: within the tolerance right after the perturbation, and at the end; the",
        "others left. returned: of those that left, with the 95 % interval. falling,",
        "stuck: not back, and the loss is still falling, or not. diverged: no number, or",
        f"over {FAR:g} times both its start and the best constant output. loss: the median.",
        "half at λ: where half of those that left return; norm: of all tensors together.",
    ]
    if frame["below"].any():
        lines.append("below: ended lower than the reference.")
    if frame["limited"].any():
        lines += [
            "* steps or rate decide here, not the landscape: most of those not back were",
            "  falling, diverged, or ended above their start.",
        ]
    return lines


def basin_rows(basins):
    """The rows of ``StudyResult.basins()`` as strings by column; with verdicts, if there are any.

    The norm is left out if none is known.
    """
    rows = [_basin_row(row) for row in basins.itertuples()]
    if all(row["norm"] == "-" for row in rows):
        rows = [{name: cell for name, cell in row.items() if name != "norm"} for row in rows]
    return rows


def _basin_row(row):
    # Both ends may lie outside of the scales.
    ends = dict.fromkeys(_cell(end, row) for end in (row.low, row.high))
    return {
        "reference": _named(row.reference),
        **({"verdict": row.verdict} if hasattr(row, "verdict") else {}),
        "half at λ": _cell(row.radius, row),
        "95 %": "-" if row.reason else " – ".join(ends),
        "norm": f"{row.norm:.3g}" if 0 < row.norm < float("inf") else "-",
        "certified": "-" if row.certified != row.certified else f"{row.certified:.3g}",
    }


def _cell(radius, row):
    """A radius in few characters: below and beyond the scales as signs."""
    text = radius_in_words(radius, [row.least, row.most])
    return text.replace("below", "<").replace("beyond", ">")


def proved_rows(proved):
    """The rows of ``StudyResult.proved()`` as strings by column, at most 80 wide."""
    return [
        {
            "reference": _named(row.reference),
            "layers": row.layers,
            "flow": _number(row.flow),
            "descent": _number(row.descent),
            "rate η": _number(row.step),
            "per step": _number(row.rate),
            "1/L": _number(1 / row.curvature_most),
        }
        for row in proved.itertuples()
    ]


def _number(value):
    return f"{value:.2g}" if 0 < value < float("inf") else "-"


def proved_notes(proved):
    """The `proved_sentences` in lines of at most 80."""
    return [
        part for line in proved_sentences(proved) for part in wrap(line, 80, subsequent_indent="  ")
    ]


def proved_sentences(proved):
    """What the words of `proved_rows` mean, and why there is no basin."""
    lines = [
        "proved: every perturbation of a total norm up to “flow” returns along gradient flow, and "
        "up to “descent” by descent at the rate η of this study with all points at each step, each "
        "of which takes at least the part “per step” of what the loss is above its minimum. No "
        "rate above 1/L could be proved: L bounds the curvature at the minimum. balanced: the same "
        "function, layers rescaled for the largest flow."
    ]
    why = {}
    for row in proved.itertuples():
        if row.reason:
            name = f"{_named(row.reference)} ({row.layers})"
            why.setdefault(f"{row.reason}{_largest(row)}", []).append(name)
        if row.largest_rate < SLOW:
            lines.append(
                f"{_named(row.reference)} ({row.layers}): no rate that can be proved is of "
                f"practical use: with the largest for a tenth of the flow's radius, "
                f"{row.largest_step:.2g}, a factor e takes up to {1 / row.largest_rate:.2g} steps."
            )
    return lines + [f"{', '.join(names)}: {reason}." for reason, names in why.items()]


def _largest(row):
    """Of a row without basin at the rate of the study, what is proved at smaller ones."""
    if not row.step * row.curvature_most >= 1 or row.largest_rate != row.largest_rate:
        return ""
    return (
        f"; 1/L is {row.step * row.curvature_most:.2g} times smaller than the rate. With steps of "
        f"{row.largest_step:.2g} a tenth of the flow's radius is proved, and a factor e takes "
        f"{1 / row.largest_rate:,.2g} steps at most"
    )


def reasons(basins):
    """Why references have no radius within the scales, as lines of at most 80 characters."""
    lines = []
    for row in basins.itertuples():
        if row.reason:
            lines.append(f"{_named(row.reference)} has no radius: {row.reason}.")
        elif row.radius == 0:
            lines.append(f"{_named(row.reference)}: {_kept(row)}.")
    return [part for line in lines for part in wrap(line, 80, subsequent_indent="  ")]


def _kept(row):
    """Of a row of ``basins()`` whose radius is below all scales, what there is instead."""
    told = f"even at λ = {row.least:g} fewer than half of those that leave return"
    if not row.kept > 0:
        return told
    if row.kept == float("inf"):
        return f"{told}, but half of all trials are kept at every λ"
    ends = [radius_in_words(end, [row.least, row.most]) for end in (row.kept_low, row.kept_high)]
    return (
        f"{told}; half of all trials are kept at λ = {row.kept:.3g} ({ends[0]} to {ends[1]}): they "
        "stayed, or returned"
    )


def as_summary(frame, basins):
    """A text of at most 80 columns about ``StudyResult.frame("scale")`` and ``basins()``."""
    tables = []
    for name in basins["reference"]:
        part = frame[frame["reference"] == name]
        tables += [f"{_named(name)}:"] * (len(basins) > 1) + [as_text(scale_rows(part))]
    blocks = ["\n".join(tables), as_text(basin_rows(basins))]
    said = reasons(basins)
    if said:
        blocks[1] += "\n" + "\n".join(said)
    return "\n\n".join([*blocks, "\n".join(notes(frame))])


def laid_out(path, references, grid, steps):
    """What a study is to do, in a few words."""
    where = "in memory" if path is None else shortened(f"in {Path(path).name}", 40)
    scales, trials = grid["scales"], grid["trials"]
    return (
        f"{where}; {counted(references, 'reference')}, {_ends(scales)}, "
        f"{counted(trials, 'trial')} of {counted(steps, 'step')} each, "
        f"seed {grid['seed']}"
    )


def in_brief(study):
    """What a study found in a few words: how many trials, and what became of them."""
    names = [_named(ref.name) for ref in study.references[:3]]
    more = f" and {len(study.references) - 3} more" if len(study.references) > 3 else ""
    scales = study.scales
    ends = f"{_ends(scales)}, " if len(scales) else ""
    counts = [(word, int((study.outcome == word).sum())) for word in (*OUTCOMES, UNKNOWN)]
    told = ", ".join(f"{count:,} {word}" for word, count in counts if count)
    return (
        f"{', '.join(names)}{more}; {ends}{counted(len(study.outcome), 'trial')}"
        f"{': ' if told else ''}{told}; seed {study.seed}"
    )


def _ends(scales):
    """How many scales there are, and from where to where."""
    told = counted(len(scales), "scale")
    return f"{told} {min(scales):g}" + (f" to {max(scales):g}" if len(scales) > 1 else "")


def as_html(frame, basins):
    """The tables of `as_summary` as HTML, for a notebook."""
    blocks = [scale_rows(frame), basin_rows(basins)]
    said = [*reasons(basins), *notes(frame)]
    return "".join(map(_html_table, blocks)) + f"<p><small>{escape(' '.join(said))}</small></p>"


def _html_table(rows):
    head = "".join(f"<th>{escape(name)}</th>" for name in rows[0])
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(printable(cell))}</td>' for cell in row.values())}</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def page_parts(study):
    """What a page says of each reference.

    Returns
    -------
    list of dict
        name (empty if there is one reference), story (sentences) and rows (of strings by column).
    """
    several = len(study.references) > 1
    parts = [study.of(ref.name) for ref in study.references]
    return [
        {"name": part.reference.name if several else "", "story": told(part), "rows": _rows(part)}
        for part in parts
    ]


def _rows(study):
    frame = study.frame("scale")
    return [
        {
            "λ": f"{row.scale:.4g}",
            "untrained": f"{row.untrained:.0%}",
            "stayed": f"{row.stayed} of {row.trials}",
            "returned": f"{row.returned} of {row.left}" if row.left else "none left",
            "95 %": f"{row.low:.0%} – {row.high:.0%}" if row.left else "-",
            "falling": str(row.falling),
            "stuck": str(row.stuck),
            **({"diverged": str(row.diverged)} if frame["diverged"].any() else {}),
            **({"ended below": str(row.below)} if frame["below"].any() else {}),
            "decided by": ("steps, rate" if row.limited else "landscape") if row.left else "-",
            "loss after noise": rounded(row.initial),
            "final loss": rounded(row.median),
            "quartiles": f"{rounded(row.q25)} – {rounded(row.q75)}",
            "accuracy": f"{row.accuracy:.1%}",
        }
        for row in frame.itertuples()
    ]


# What the columns of `page_parts` mean.
COLUMNS = (
    "Untrained: the part of all trials that is within the tolerance before any training. Returned: "
    "of those that left. Losses are medians of the trials (of two in the middle the lower one), "
    "with their quartiles at the end."
)


def told(study):
    """What perturbing and training the only reference showed, in sentences."""
    frame, ref, basin = study.frame("scale"), study.reference, study.basins().iloc[0]
    left = frame[frame["left"] > 0]
    parts = [f"A trial is back if its loss is within {ref.tolerance:.2g} of {rounded(ref.loss)}."]
    if (frame["left"] == 0).any():
        parts.append(
            f"At λ = {frame.loc[frame['left'] == 0, 'scale'].max():g} no trial was further away, "
            "before training or at the end, so nothing could return."
        )
    for which, text in (
        (left["returned"] == left["left"], "All that left return at λ = {}."),
        (left["returned"] == 0, "None that left returns at λ = {}."),
    ):
        if which.any():
            parts.append(text.format(", ".join(f"{s:.4g}" for s in left.loc[which, "scale"])))
    if basin.reason:
        parts.append(f"There is no radius at which half return: {basin.reason}.")
    elif basin.radius == 0:
        parts.append(_capital(f"{_kept(basin)}."))
    elif basin.radius == float("inf"):
        parts.append(f"At no λ up to {basin.most:g} fewer than half of those that left return.")
    elif 0 < basin.radius < float("inf"):
        parts.append(
            f"Half of those that left return at λ = {basin.radius:.3g} (95 %: "
            f"{radius_in_words(basin.low, [basin.least, basin.most])} to "
            f"{radius_in_words(basin.high, [basin.least, basin.most])}), "
            f"a total norm of {basin.norm:.3g}."
        )
    if ref.certified_radius:
        parts.append(f"Return is proved up to a total norm of {ref.certified_radius:.3g}.")
    if ref.learning_rate:
        parts.append(f"The learning rate is {ref.learning_rate:.2g}.")
    if ref.relaxation:
        longest = study.columns["steps"].max()
        parts.append(
            f"The slowest direction that tells classes apart shrinks by a factor e in "
            f"{ref.relaxation:,.3g} steps; a trial took at most {longest:,}."
        )
    return " ".join(parts)


def _capital(text):
    return text[:1].upper() + text[1:]


def as_text(rows):
    """Rows of strings by column as lines with aligned columns, the first to the left."""
    names = list(rows[0])
    cells = [names, *([row[name] for name in names] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for row in cells:
        first, *others = zip(row, widths, strict=True)
        parts = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
        lines.append("  ".join(parts))
    return "\n".join(lines)
