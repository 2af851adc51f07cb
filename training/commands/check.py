"""`geomcore check`: whether a certificate holds, confirmed without the code that made it."""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from training.commands.arguments.options import (
    TABLE,
    Data,
    Force,
    Jobs,
    Out,
    Quiet,
    Seed,
    Targets,
    noted,
    reads_table,
)

WORDS = {True: "yes", False: "no", None: "?"}
LONGEST = 300  # characters of what a certificate says that are shown, and of a line
MOST_FIELDS = 1000
FEW = 6  # rows that say the same are shown one by one


@reads_table
def check(
    certificate: Annotated[Path, typer.Argument(help="A certificate.json, as verify writes it.")],
    network: Annotated[Path, typer.Argument(help="The network of which it speaks, as for verify.")],
    data: Data,
    targets: Targets = None,
    table=None,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    # more threads only make the small matrices of the checker wait for each other
    jobs: Jobs = 1,
    quiet: Quiet = False,
):
    """Check CERTIFICATE of NETWORK on DATA in exact arithmetic. Status 0 if all of it holds."""
    given = noted(locals())
    from geomcore import ReLUNetwork
    from geomcore.arrays import as_labels, as_points, check_network
    from training.commands.arguments.data import check_fit, load_data, load_network

    net = load_network(network)
    check_network(net, ReLUNetwork, name="NETWORK")
    stated = _read(certificate, net)
    source = load_data(data, seed=seed, targets=targets, **table)
    check_fit(net, source)
    # Loaded after what is refused, for that takes a second.
    from constructions import check_certificate
    from geomcore.foreign.wording import shortened
    from training.output.page import render
    from training.output.start import started

    X = as_points(source.X)
    labels = as_labels(source.y, len(X), targets=source.targets)
    wanted = ("certificate", "network", "data", "targets", "jobs", *TABLE)
    kept = [name for name in given if name in wanted]
    about, apart = f"{network.stem}-{source.name}", ("certificate", "network", "data")
    with started("check", given, about=about, apart=apart, kept=kept) as (run, screen):
        with screen.progress(1) as step, run.timed("check"):
            step("checking")
            told = X, labels.targets, labels.index
            findings = check_certificate(stated, net.weights, net.biases, *told)
        rows = [_row(finding, stated) for finding in findings]
        confirmed, told = _told(findings, stated)
        title = f"{certificate.name} of {network.name} on {source.name}"
        run.table("findings", rows)
        shown = _folded(rows)
        content = {"title": title, "data": source.summary(), "told": told, "rows": shown}
        content["examined"] = any(finding.holds is not None for finding in findings)
        run.text("index.html", render("commands/check.html", run.record, **content))
        run.publish()
    screen.print(source.summary())
    for row in shown:
        stands = f", stated {row['stated']}" if row["stated"] else ""
        why = f": {row['detail']}" if row["detail"] else ""
        screen.print(shortened(f"  {row['holds']:3}  {row['field']}{stands}{why}", LONGEST))
    screen.print(shortened(told, LONGEST))
    screen.print(f"\nrun folder: {run.path}")
    return 0 if confirmed else 1


def _read(path, net):
    """The certificate of a network in a file."""
    from constructions.proof.certificate import PLAIN, Certificate, largest
    from geomcore.foreign.files import read_whole

    text = read_whole(path, "a certificate", largest(net))
    if len(text) > PLAIN:
        # Any other JSON of this size could take thirty times as much memory.
        Certificate.from_file(path, net)
    try:
        stated = json.loads(text.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} holds no JSON: {error}") from None
    if isinstance(stated, dict) and len(stated) > MOST_FIELDS:
        raise ValueError(f"{path} must be a certificate, it has {len(stated):,} fields")
    return stated


def _once(pairs):
    """A dict of the fields of an object, none of which may be there twice."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("an object has a field twice")
    return fields


def _shown(value):
    """A value of the certificate in ASCII and in one line, and not too long."""
    text = ascii(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def _named(field):
    """The name of a field: as it is if it is a plain one, else quoted."""
    plain = isinstance(field, str) and field.isascii() and field.isidentifier()
    return field if plain and len(field) <= LONGEST else _shown(field)


def _row(finding, stated):
    """A finding in words, with what the certificate says if that is short."""
    value = stated.get(finding.field) if isinstance(stated, dict) else None
    return {
        "field": _named(finding.field),
        "holds": WORDS[finding.holds],
        "stated": _shown(value) if isinstance(value, (bool, int, float, str)) else "",
        "detail": ascii(finding.detail)[1:-1][:LONGEST],
    }


def _folded(rows):
    """The rows, of which many that say the same are one, in the place of the first."""
    kinds = Counter((row["holds"], row["detail"]) for row in rows if row["detail"])
    found = {}
    for k, row in enumerate(rows):
        kind = row["holds"], row["detail"]
        many = kinds[kind] > FEW
        found.setdefault(kind if many else k, []).append(row)
    return [
        row
        if len(same) == 1
        else {**row, "field": _listed([other["field"] for other in same]), "stated": ""}
        for same in found.values()
        for row in same[:1]
    ]


def _listed(fields):
    """How many fields there are, and which, in half a line."""
    from geomcore.foreign.wording import counted, shortened

    return shortened(f"{counted(len(fields), 'field')} ({', '.join(fields)})", LONGEST // 2)


def _told(findings, stated):
    """Whether nothing is false and the verdict is confirmed, and a sentence that says it."""
    holds = {finding.field: finding.holds for finding in findings}
    wrong = [_named(field) for field, held in holds.items() if held is False]
    open_ = [_named(field) for field, held in holds.items() if held is None]
    if "format" in wrong:
        return False, "REFUSED: it does not say that it is a certificate of geomcore"
    if wrong:
        return False, f"REFUSED: {', '.join(wrong)} not confirmed"
    reasons = {finding.detail for finding in findings}
    if len(open_) == len(holds) > FEW and len(reasons) == 1:
        return (
            False,
            f"the verdict was not examined, nor anything else: {ascii(reasons.pop())[1:-1]}",
        )
    if holds["verdict"] is None:
        return False, f"the verdict was not examined; nor were {', '.join(open_)}"
    verdict = f"{stated['verdict']}, with rtol {stated['rtol']!r} and gtol {stated['gtol']!r}"
    count = len(holds) - len(open_)
    return True, f"confirmed: {verdict}; {count} fields; not examined: {', '.join(open_)}"
