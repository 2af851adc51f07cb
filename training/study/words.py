"""What a study found, as strings for a reader."""

import warnings

from training.study.basin import radius_in_words


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


def scale_row(row):
    """A row of ``StudyResult.frame("scale")`` as strings by column."""
    return {
        "reference": row.reference,
        "λ": f"{row.scale:g}",
        "norm": f"{row.norm:.3g}",
        "returned": f"{row.returned} of {row.trials}",
        "95 %": f"{row.low:.0%} – {row.high:.0%}",
        "below": str(row.below),
        "median loss": f"{row.median:.1e}",
        "accuracy": f"{row.accuracy:.1%}",
        "pattern back": f"{row.pattern:.0%}",
        "diverged": str(row.diverged),
    }


def basin_row(row, scales):
    """A row of ``StudyResult.basins()`` as strings by column; with its verdict, if it has one."""
    certified = "-" if row.certified != row.certified else f"{row.certified:.3g}"
    return {
        "reference": row.reference,
        **({"verdict": row.verdict} if hasattr(row, "verdict") else {}),
        "half return at λ": radius_in_words(row.radius, scales),
        "95 %": " – ".join(radius_in_words(end, scales) for end in (row.low, row.high)),
        "total norm": f"{row.norm:.3g}" if 0 < row.norm < float("inf") else "-",
        "certified norm": certified,
    }


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
