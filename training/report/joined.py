"""The page that joins runs, and what it weighs."""

import base64
import gzip
import json
import os

from markupsafe import Markup

from geomcore.foreign.wording import counted, printable, shortened
from training.output.page import render
from training.report.markup import Element
from training.report.runs import PAGE, with_shown
from training.report.sections import section_of

FEW = 6  # sentences of a summary that are shown at once
LONGEST = 200  # characters of a value of an argument


def joined(runs, views, *, record, left_out=(), without=(), library=None):
    """Return the HTML of a page that joins runs, and its sections.

    Parameters
    ----------
    runs : list of StoredRun
    views : list of list of View
        Of each run.
    record : dict
        Of the `RunFolder` of the report.
    left_out : sequence of str
        Sentences about runs that are not joined.
    without : sequence of list of str
        For each run, why a view is missing.
    library : str, optional
        The source of plotly.js; without it no view can turn.

    Returns
    -------
    page : str
    rows : list of dict
        One per run, for a table.
    """
    ids = [f"run-{k}" for k in range(1, len(runs) + 1)]
    places = {
        os.path.realpath(run.folder / PAGE): name for run, name in zip(runs, ids, strict=True)
    }
    sections, rows, shown = [], [], []
    for k, (run, name) in enumerate(zip(runs, ids, strict=True)):
        section = section_of(run, name, places)
        run = with_shown(run, section.shown)
        if library is not None:
            shown += _placed(section, views[k], len(shown))
        rows.append(_row(run, section))
        sections.append(_about(run, section, without[k] if without else []))
    packed = _packed(library) if shown else ""
    weight = sum(len(section["html"].encode()) for section in sections)
    data = [_json(view) for view in shown]
    weight += len(packed) + sum(map(len, data))
    return (
        render(
            "report/report.html",
            record,
            sections=sections,
            rows=rows,
            count=counted(len(runs), "run"),
            versions=_versions(runs),
            left_out=left_out,
            few=FEW,
            weight=size_in_words(weight),
            pictures=size_in_words(sum(s["embedded"] for s in sections)),
            views=[Markup(text) for text in data],
            library=Markup(packed),
        ),
        rows,
    )


def size_in_words(size):
    """A number of bytes.

    Examples
    --------
    >>> size_in_words(1_250_000), size_in_words(800)
    ('1.2 MB', '1 kB')
    """
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{max(1, round(size / 1e3))} kB"


def _about(run, section, without):
    arguments = [
        {"argument": printable(name), "value": _value(value)}
        for name, value in sorted(run.record.arguments.items())
    ]
    return {
        "id": section.id,
        "title": section.title,
        "name": run.name,
        "command": printable(run.record.command),
        "state": run.state,
        "notes": [*run.notes, *_lost(section)],
        "summary": [Markup(sentence) for sentence in section.summary],
        "html": Markup(section.html),
        "embedded": section.embedded,
        "typed": printable(section.typed),
        "arguments": arguments,
        "made": _made(run.record),
        "files": sorted({printable(name) for name in run.record.written}),
        "without": without,
    }


def _made(record):
    """A sentence: when and with what a run was made."""
    seed = "none" if record.seed is None else record.seed
    begun = _value(record.started or "at an unknown time")
    ended = "not ended" if record.seconds is None else f"{record.seconds} seconds"
    told = [f"{name} {number}" for name, number in record.versions.items() if number]
    versions = "".join(f", {_value(version)}" for version in told)
    python = (
        f"Python {_value(record.python or 'unknown')} on {_value(record.platform or 'unknown')}"
    )
    return f"Seed {seed}, begun {begun}, {ended}; {python}{versions}."


def _lost(section):
    if not section.lost:
        return []
    return [f"{counted(len(section.lost), 'picture')} of its page cannot be shown."]


def _value(value):
    if value is None:
        return "not given"
    if isinstance(value, list):
        return printable(shortened(", ".join(map(str, value)), LONGEST)) or "none"
    return printable(shortened(str(value), LONGEST))


def _row(run, section):
    record = run.record
    seconds = "-" if record.seconds is None else f"{record.seconds:.1f}"
    if len(seconds) > 12:
        seconds = f"{record.seconds:.3g}"
    return {
        "run": run.name,
        "command": printable(record.command),
        "state": run.state,
        "begun": printable(record.started)[:16].replace("T", " "),
        "seconds": seconds,
        "seed": "-" if record.seed is None else str(record.seed),
        "figures": str(len(section.figures)),
        "files": str(len(record.written)),
    }


def _versions(runs):
    """A sentence: whether all runs were made with the same versions, and with which."""
    told = [{"Python": run.record.python, **run.record.versions} for run in runs]
    same, differ = [], []
    for name in dict.fromkeys(name for versions in told for name in versions):
        numbers = {_value(versions.get(name) or "none") for versions in told}
        if len(numbers) > 1:
            differ.append(f"{_value(name)} ({', '.join(sorted(numbers))})")
        elif numbers != {"none"}:
            same.append(f"{_value(name)} {numbers.pop()}")
    text = f"All were made with {', '.join(same)}." if same else ""
    if differ:
        text += f" Versions that differ between runs: {', '.join(differ)}."
    return text.strip()


def _placed(section, views, first):
    """Give each view a button below its figure; return the views with what the page needs."""
    for k, view in enumerate(views, first):
        figure = _figure_of(section, view)
        label = f"Turn it in space: {view.title.lower()}"
        if view.prefix:
            label += f" of {view.prefix.rstrip('-')}"
        button = Element(
            "button",
            {"type": "button", "class": "turn", "data-view": str(k), "aria-haspopup": "dialog"},
            [label],
        )
        row = Element("p", {"class": "turning"}, [button])
        if figure is not None:
            figure.children.append(row)
        else:
            section.body.children.append(row)
    return views


def _figure_of(section, view):
    end = f"-{view.key}"
    names = [name for name in section.figures if name.endswith(end)]
    if view.prefix:  # the figure of this network, not of one whose name begins so
        names = [name for name in names if name == f"{view.prefix}{view.key}"]
    return section.figures[names[0]] if names else None


def _json(view):
    told = {k: v for k, v in view._asdict().items() if k not in ("key", "prefix")}
    if view.prefix:
        told["title"] = f"{view.title} of {view.prefix.rstrip('-')}"
    text = json.dumps(told, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _packed(library):
    return base64.b64encode(gzip.compress(library.encode(), mtime=0)).decode("ascii")
