"""The verdicts on all claims, arranged for a reader: field by field, and as tables."""

import struct

from training.experiments.claims.evidence import UNAVAILABLE
from training.experiments.claims.rules import GENERAL, RULES
from training.experiments.claims.sources import CLAIMS
from training.experiments.claims.works import WORKS
from training.output.verdicts import UNDECIDED, VERDICTS

BROAD = 2.5  # times as wide as high: such a picture takes the whole width of the page


def counted_verdicts(rows):
    """How often each verdict is given; a claim without one is counted only where there is any."""
    counts = {v: sum(row["verdict"] == v for row in rows) for v in (*VERDICTS, UNAVAILABLE)}
    return {v: n for v, n in counts.items() if n or v != UNAVAILABLE}


def rows_for_a_table(rows, *, quick, seed, draws):
    """The verdicts with all that there is to tell of each.

    Parameters
    ----------
    rows : list of dict
        Of `judgements`.
    quick : bool
    seed : int
    draws : int
        Of each type of data, for E1.

    Returns
    -------
    list of dict
        ``claim``, ``part``, ``statement``, ``source``, ``published``, ``found``, ``verdict``,
        ``ran``: the commands that the numbers come from, ``run``: the folder of the last one.
    """
    about = {claim.name: claim for claim in CLAIMS}
    return [
        {
            "claim": row["claim"],
            "part": row["part"],
            "statement": about[row["claim"]].statement,
            "source": about[row["claim"]].source,
            "published": about[row["claim"]].published,
            "found": row["reason"],
            "verdict": row["verdict"],
            "ran": _ran(row["claim"], quick=quick, seed=seed, draws=draws),
            "run": row["run"],
        }
        for row in rows
    ]


def grouped(rows, table, works, folder, missing, *, quick):
    """The claims field by field, each with its runs, its pictures and its rule.

    Parameters
    ----------
    rows : list of dict
        Of `judgements`.
    table : list of dict
        Of `rows_for_a_table`.
    works : list of Work
        Those that were asked for.
    folder : Path
        With the run folders inside.
    missing : dict of str to str
        Folders of runs that are not finished.
    quick : bool

    Returns
    -------
    list of dict
        ``about``, ``rule``; ``claims``: those asked for, each with the ``rows`` of `table` that
        speak of it; ``ran``: commands; ``less``: what a full run has more of; ``undecided``:
        whether a claim is left so; ``figures``: path inside the folder, run, caption, `_is_broad`.
    """
    groups, about = [], {claim.name: claim for claim in CLAIMS}
    for rule in RULES:
        names = [n for n in rule.claims if any(row["claim"] == n for row in rows)]
        if not names:
            continue
        own = [work for work in works if answers(work, names)]
        told = [[row for row in table if row["claim"] == name] for name in names]
        groups.append(
            {
                "about": rule.about,
                "rule": rule.text,
                "claims": [
                    {"claim": about[name], "rows": own_rows}
                    for name, own_rows in zip(names, told, strict=True)
                ],
                "ran": list(dict.fromkeys(c for t in told for c in t[0]["ran"].split("; "))),
                "less": _less(own) if quick else "",
                "undecided": any(row["verdict"] == UNDECIDED for t in told for row in t),
                "figures": _pictures(own, folder, missing),
            }
        )
    return groups


def answers(work, names):
    """Whether a run answers for one of some claims; all four studies do for E4."""
    own = ("E4",) if work.command == "study" else work.claims
    return bool({*own} & {*names})


def _ran(claim, *, quick, seed, draws):
    """The commands behind a claim."""
    if claim == "E1":
        last = seed + draws - 1
        return f"networks of {draws} draws of each type of data, seeds {seed} to {last}, made here"
    return "; ".join(
        " ".join(["geomcore", work.command, *work.options(quick=quick, seed=seed)])
        for work in WORKS
        if answers(work, [claim])
    )


def _less(works):
    """What a full run has more of than a quick one.

    Examples
    --------
    >>> _less([work for work in WORKS if work.folder in ("minima", "dynamics")])
    'geomcore minima: classes 3 (in full 3,4); geomcore dynamics: seeds 6 (in full 40)'
    """
    told = {}
    for work in works:
        less = [
            f"{name} {work.quick[name]} (in full {value})"
            for name, value in work.full.items()
            if value != work.quick[name] and not isinstance(value, bool)
        ]
        told[work.command] = ", ".join(less)
    return "; ".join(f"geomcore {command}: {less}" for command, less in told.items() if less)


def _pictures(works, folder, missing):
    """The pictures of some runs: path inside the folder, name of the run, caption, shape."""
    found = []
    for work in works:
        for stem, caption in work.figures.items():
            path = f"{work.folder}/{stem}.png"
            if work.folder not in missing and (folder / path).exists():
                told = {"path": path, "run": work.folder, "caption": caption}
                found.append({**told, "is_broad": _is_broad(folder / path)})
    return found


def _is_broad(path):
    """Whether a picture is more than `BROAD` times as wide as high."""
    with open(path, "rb") as file:
        head = file.read(24)
    if len(head) < 24:
        return False
    width, height = struct.unpack(">II", head[16:])
    return width > BROAD * height


def as_markdown(groups, record):
    """The page as a text, for docs/claims.md.

    Parameters
    ----------
    groups : list of dict
        Of `grouped`.
    record : dict
        Of the `RunFolder`.

    Returns
    -------
    str
    """
    lines = [f"Seed {record['seed']}, {record['started'][:10]}, {_versions(record)}.", ""]
    for group in groups:
        lines += [f"## {group['about']}", "", *(f"    {typed}" for typed in group["ran"]), ""]
        lines += ["| claim | published | found | verdict |", "| --- | --- | --- | --- |"]
        for row in (row for told in group["claims"] for row in told["rows"]):
            part = f" ({row['part']})" if row["part"] else ""
            told = f"**{row['claim']}**{part} {row['statement']} ({row['source']})"
            cells = [told, row["published"], row["found"], f"**{row['verdict']}**"]
            cells = [cell.replace("|", "\\|").replace("\n", " ") for cell in cells]
            lines.append(f"| {' | '.join(cells)} |")
        lines += ["", group["rule"], ""]
    return "\n".join([*lines, "## The rule for all", "", GENERAL, ""])


def _versions(record):
    shown = ("geomcore", "numpy", "scipy", "numba")
    return ", ".join(f"{k} {record['versions'][k]}" for k in shown if record["versions"].get(k))
