"""A census in rows: of its runs, its end points, and both in short; and in sentences."""

import re
from collections import Counter
from itertools import pairwise

from geomcore.foreign.wording import counted
from training.census.ending import INFINITY, KINDS, MINIMA, NOWHERE
from training.study.wilson import wilson_interval


def run_rows(found, points):
    """One row per run: what it ended at, and why there is no end point if there is none."""
    ends = {ending.number: point.number for point in points for ending in point.endings}
    return [
        {
            "data": found.data.name,
            "widths": shape(found),
            "run": ending.number,
            "kind": ending.kind,
            "end": ends.get(ending.number),
            "trained_loss": ending.trained_loss,
            "loss": ending.loss,
            "moved": ending.moved,
            "far": ending.is_far,
            "verdict": ending.verdict,
            "proved": ending.proved,
            "slack": ending.slack,
            "kinks": ending.kinks,
            "reason": ending.reason,
            "why": ending.why,
        }
        for ending in found.endings
    ]


def point_rows(found, points):
    """One row per distinct end point, with the files of its network."""
    return [
        {
            "data": found.data.name,
            "widths": shape(found),
            "end": point.number,
            "function": point.function,
            "family": point.family,
            "loss": point.loss,
            "times": len(point.endings),
            "kind": point.kind,
            "proved": point.best.is_proved,
            "slack": point.best.slack,
            "distance": point.best.distance,
            "kinks": point.best.kinks,
            "rank": point.best.rank,
            "flat": point.best.flat,
            "flat_proved": point.best.is_flat_proved,
            "dead": sum(point.form.dead),
            "idle": sum(point.form.idle),
            "smallest_eigenvalue": point.best.smallest_eigenvalue,
            "accuracy": point.best.accuracy,
            "run": point.best.number,
        }
        for point in points
    ]


def summary_row(found, points):
    """What a census of one shape on one data set found, in numbers."""
    counts = Counter(ending.kind for ending in found.endings)
    runs, proved = len(found.endings), sum(ending.is_proved for ending in found.endings)
    low, high = wilson_interval(proved, runs)
    minima = minima_of(points)
    reached = lowest(minima)
    losses = sorted({point.function: point.loss for point in minima}.values())
    often = Counter(point.function for point in minima for _ in point.endings).most_common()
    flat = [point.best for point in minima if point.best.flat]
    return {
        "data": found.data.name,
        "widths": shape(found),
        "loss": found.question.loss,
        "is_convex": len(found.widths) == 2,
        "weight_decay": found.question.weight_decay,
        "runs": runs,
        "proved": proved,
        "proved_low": low,
        "proved_high": high,
        **{kind: counts[kind] for kind in KINDS},
        "far": sum(ending.is_far and ending.is_end for ending in found.endings),
        "minima": len(minima),
        "families": len({point.family for point in minima}),
        "functions": len({point.function for point in minima}),
        "isolated": sum(point.best.flat == 0 for point in minima),
        "isolated_proved": sum(
            point.best.flat == 0 and point.best.is_flat_proved for point in minima
        ),
        "flat": len(flat),
        "flat_proved": sum(end.is_flat_proved for end in flat),
        "flat_least": min((end.flat for end in flat), default=None),
        "flat_most": max((end.flat for end in flat), default=None),
        "repeated": sum(number > 1 for _, number in often),
        "most_often": often[0][1] if often else 0,
        "most_often_loss": next(p.loss for p in minima if p.function == often[0][0])
        if often
        else None,
        "nearest_losses": min((b - a for a, b in pairwise(losses)), default=None),
        "lowest_loss": losses[0] if losses else None,
        "lowest_slack": min((point.best.slack for point in reached), default=None),
        "lowest_times": sum(len(point.endings) for point in reached),
        "next_loss": losses[1] if len(losses) > 1 else None,
        "highest_loss": losses[-1] if losses else None,
        "lowest_unproved": min((e.loss for e in found.endings if not e.is_proved), default=None),
    }


def minima_of(points):
    """The end points that are proved to be minima."""
    return [point for point in points if point.kind in MINIMA]


def lowest(minima):
    """Those of the function with the lowest loss."""
    return [point for point in minima if point.function == minima[0].function]


def function_rows(points):
    """For people, one row for each function on the data that some end points share, by loss."""
    rows = []
    for number in dict.fromkeys(point.function for point in points):
        own = [point for point in points if point.function == number]
        best = [point.best for point in own]
        flats = [end.flat for end in best if end.flat is not None]
        least = [
            e.smallest_eigenvalue
            for e in best
            if e.is_critical and e.smallest_eigenvalue is not None
        ]
        rows.append(
            {
                "loss": f"{own[0].loss:.9g}",
                "runs": str(sum(len(point.endings) for point in own)),
                "networks": str(len(own)),
                "cells": str(len({point.family for point in own})),
                "kind": _joined(point.kind for point in own),
                "proof": _joined(_proof(end) for end in best),
                "kinks": _span(end.kinks for end in best),
                "rank": _span(end.rank for end in best if end.rank is not None),
                "flat": _span(flats)
                + "*" * any(not e.is_flat_proved for e in best if e.flat is not None),
                "dead units": _span(point.dead for point in own),
                "smallest eigenvalue": f"{min(least):.2g}" if least else "-",
                "end points": _span(point.number for point in own),
            }
        )
    return rows


def frequent_rows(points, most=10):
    """Those rows of `function_rows` that several runs reach, the most frequent first."""
    rows = [row for row in function_rows(points) if row["runs"] != "1"]
    return sorted(rows, key=lambda row: -int(row["runs"]))[:most]


def lost_rows(found):
    """For people, one row for each reason for which runs have no end point, or no proof."""
    rows = []
    for kind in KINDS:
        groups = {}
        for ending in found.endings:
            if ending.kind == kind and not ending.is_proved:
                reason = ending.why if kind == "undetermined" else ending.reason
                # Reasons that differ in their numbers are one; the first one is told.
                groups.setdefault(re.sub(r"[\d.]+", "", reason), []).append((ending.loss, reason))
        for own in sorted(groups.values(), key=len, reverse=True):
            losses = _ends([loss for loss, _ in own])
            row = {"what": kind, "runs": str(len(own)), "losses": losses, "because": own[0][1]}
            rows.append(row)
    return rows


def overview_row(row):
    """A row of `summary_row` for people."""
    runs = row["runs"]
    lost = {name: row[name] for name in (INFINITY, NOWHERE, "undetermined", "not stationary")}
    return {
        "data": row["data"],
        "widths": row["widths"],
        "runs": str(runs),
        "proved": f"{row['proved'] / runs:.0%} ({row['proved_low']:.0%} to "
        f"{row['proved_high']:.0%})",
        "minima": str(row["minima"]),
        "functions": str(row["functions"]),
        "lowest": "-" if row["lowest_loss"] is None else f"{row['lowest_loss']:.6g}",
        "reached by": str(row["lowest_times"]),
        "next": "-" if row["next_loss"] is None else f"{row['next_loss']:.6g}",
        "isolated": str(row["isolated"]),
        **{name: str(number) for name, number in lost.items()},
    }


def sentences(row):
    """What a census of one shape on one data set found, from its `summary_row`."""
    runs = row["runs"]
    told = [
        f"{row['proved']} of {counted(runs, 'run')} ({row['proved'] / runs:.0%}, with 95 % "
        f"confidence {row['proved_low']:.0%} to {row['proved_high']:.0%}) end at what is proved to "
        f"be a minimum{' or a saddle' if row['saddle'] else ''}."
    ]
    if row["minima"]:
        told += [_many_sentence(row), _lowest_sentence(row), *_flat_sentences(row)]
    others = [f"{row[kind]} {_phrase(kind, row[kind])}" for kind in KINDS[3:] if row[kind]]
    if others:
        told.append(f"Of the other runs, {', '.join(others)}.")
    if row["far"]:
        told.append(
            f"In {counted(row['far'], 'run')} with an end point training was stopped far from it: "
            "settling went on downhill by more than half of the size of the parameters, in its own "
            "way, and more training might have led to another point."
        )
    return told


def _symmetries(row):
    return "order" if row["weight_decay"] else "order and scales"


def _many_sentence(row):
    """How many different minima there are, and how often they are reached."""
    if row["minima"] == 1:
        return f"All these minima are one network, up to the {_symmetries(row)} of its units."
    told = (
        f"The minima are {row['minima']} different networks, up to the {_symmetries(row)} of their "
        f"units, and {counted(row['functions'], 'function')} on the data; their losses go from "
        f"{row['lowest_loss']:.6g} to {row['highest_loss']:.6g}."
    )
    if row["nearest_losses"] is not None:
        told += f" The nearest losses of two functions are {row['nearest_losses']:.2g} apart."
    if row["repeated"]:
        told += (
            f" {counted(row['repeated'], 'function')} {'is' if row['repeated'] == 1 else 'are'} "
            f"reached by more than one run, one of loss {row['most_often_loss']:.6g} by "
            f"{row['most_often']}."
        )
    return told


def _flat_sentences(row):
    """How many minima are isolated, and how many are points of families."""
    isolated, flat = row["isolated"], row["flat"]
    scales = "" if row["weight_decay"] else "scales of units and "
    if isolated:
        yield (
            f"{isolated} of the minima {'is' if isolated == 1 else 'are'} isolated, up to {scales}"
            f"units that are never on: {_by_proof(isolated, row['isolated_proved'])}."
        )
    if flat:
        least, most = row["flat_least"], row["flat_most"]
        yield (
            f"{flat} {'is a point' if flat == 1 else 'are points'} of families of different "
            f"networks with one loss, of dimension {_span((least, most))}: "
            f"{_by_proof(flat, row['flat_proved'])}. Two points of one family are not "
            "equal as networks, and count as two minima here."
        )
    if row["minima"] > isolated + flat:
        yield f"Of {row['minima'] - isolated - flat} it is not known whether they are isolated."


def _by_proof(number, proved):
    """How so many dimensions are known, some of them by proof."""
    if proved in (0, number):
        return "by proof" if proved else "by a rank in floating point"
    return f"{proved} of them by proof, the others by a rank in floating point"


def _lowest_sentence(row):
    times = counted(row["lowest_times"], "run")
    lowest = f"The lowest proved minimum, of loss {row['lowest_loss']:.9g}, is reached by {times}; "
    if row["global minimum"]:
        told = f"A proved global minimum is reached by {times}."
    elif row["is_convex"] and row["lowest_slack"] == 0:
        told = (
            f"{lowest}it is global, as without hidden layers the loss is convex in all parameters."
        )
    else:
        told = f"{lowest}nothing is proved about whether it is global."
    if row["next_loss"] is not None:
        told += f" The next loss is {row['next_loss'] - row['lowest_loss']:.3g} above it."
    unproved = row["lowest_unproved"]
    if unproved is not None and unproved < row["lowest_loss"]:
        told += f" A run of which nothing is proved has a lower loss, {unproved:.6g}."
    return told


def shape(found):
    """The widths as people write them."""
    return "-".join(map(str, found.widths))


def _phrase(kind, number):
    is_one = number == 1
    return {
        "not stationary": f"{'is' if is_one else 'are'} at no stationary point, which is proved",
        "undetermined": f"{'is' if is_one else 'are'} at a critical point to rounding of which "
        "nothing is proved",
        INFINITY: f"{'runs' if is_one else 'run'} to infinity: norms grow while the loss falls",
        NOWHERE: f"{'settles' if is_one else 'settle'} nowhere",
    }[kind]


def _proof(ending):
    if not ending.is_proved:
        return "none"
    return "but for a slack" if ending.slack else "exact point"


def _joined(texts):
    return ", ".join(dict.fromkeys(texts))


def _span(numbers):
    numbers = sorted(set(numbers))
    if not numbers:
        return "-"
    return str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"


def _ends(losses):
    low, high = f"{min(losses):.6g}", f"{max(losses):.6g}"
    return low if low == high else f"{low} to {high}"
