"""Claims B1 to B3, about penalties on negative head weights, as readings of numbers."""

import numpy as np

from training.experiments.judging.intervals import (
    LEAST_PAIRS,
    Interval,
    mean_interval,
    share_interval,
)
from training.experiments.judging.verdict import NO, OPEN, YES, Reading, too_few
from training.experiments.mesa.judging.claims_mesa import FLATNESS
from training.experiments.mesa.judging.readings import LEAST_RUNS, about, in_points, more, mostly

CLAIMS = {
    "B1": "the penalty on negative head weights recovers about 85 % of the flat points of Lp",
    "B2": "flatness falls with the magnitude of negative head weights",
    "B3": "preventing cancellation is necessary and sufficient for flatness",
}
STRONGEST, CONTROL = "negative-1", "linear"
PENALISED = (CONTROL, "negative-0.1", "negative-0.5", STRONGEST)
SHARE, HALF = 0.85, 0.5
IS_FLAT = 0.1  # part of the polytope from which a network counts as flat on it
CANCELS = 1e-3  # share of negative slopes from which there is something to cancel with
FAIR = "head_area_1"  # by area what the source counts
SHUFFLED = 1000  # draws for the correlation over seeds
CORRELATED = 0.2  # mean rank correlation that counts
PREVENTED, FREE = "hard", {CONTROL: "Linear", "l1": "L1", "l0": "L0"}
# What `RULE` leaves to these claims.
RULE = f"""B1: the share is "about" {SHARE:.0%}, of which the least is {HALF:.0%}, where Lp has \
"more" than Linear; else the answer is that to "more". B2: flatness falls if the rank correlation \
is "more" below 0, where {CORRELATED:g} counts as a difference: means over seeds of those over \
models, 0 where only flatness is the same in all, and open if it differs in fewer than \
{LEAST_PAIRS} seeds; or one over seeds. B3: a network is flat if {IS_FLAT:.0%} of the polytope, or \
of its points, are; it has negative weights to cancel with if their share of all slopes is at \
least {CANCELS:g}. "Mostly" is asked of the runs without negative weights that are flat \
(sufficient), and of those with them that are not (necessary)."""
NEEDS = {
    "B1": ("lp", CONTROL, STRONGEST),
    "B2": (CONTROL, STRONGEST),
    "B3": (PREVENTED, CONTROL),
}


def readings(claim, columns, *, seed):
    """The readings of a claim in one dimension; as of `claims_mesa.readings`."""
    return {"B1": _recovery, "B2": _fall, "B3": _causes}[claim](columns, seed)


def _recovery(columns, seed):
    models, found = ("lp", STRONGEST, CONTROL), []
    for key, is_source, name in FLATNESS:
        found.append(_share(columns.values(key, *models), is_source, name, seed))
    seeds = columns.trained(*models)
    for sign, told in ((-1, "negative"), (1, "positive")):
        own = [s for s in seeds if all(columns.row(m, s)["w3"] * sign > 0 for m in models[1:])]
        if sign < 0:
            name = f"head output, norm below 1, area, seeds in which w3 is {told}"
            found.append(_share(columns.values(FAIR, *models, seeds=own), False, name, seed))
        values = columns.values(FAIR, STRONGEST, CONTROL, seeds=own)
        interval = mean_interval(values[:, 0] - values[:, 1], seed=seed)
        name = f"seeds in which w3 is {told}: flatter than without penalty, head output, area"
        found.append(Reading(name, False, more(interval), in_points(interval)))
    return found


def _share(values, is_source, name, seed):
    """Whether the strongest penalty has about 85 % of what Lp has more than the control."""
    lp, strongest, control = values.T
    effect = mean_interval(lp - control, seed=seed)
    share = share_interval(strongest, lp, control, seed=seed)
    there = more(effect)
    if there != YES:
        # There is nothing to be recovered, so no share of it either.
        answer = NO if there == NO else OPEN
        told = f"Lp less Linear {in_points(effect)}" if effect.pairs else too_few()
        return Reading(name, is_source, answer, told)
    told = f"{share.value:.0%} ({share.rests_on(f'{share.low:.0%}', f'{share.high:.0%}')})"
    return Reading(name, is_source, about(share, SHARE, least=HALF), told)


def _fall(columns, seed):
    found = []
    models = [model for model in PENALISED if model in columns]
    for key, is_source, name in FLATNESS:
        found.append(_correlation(columns, key, "negative_mass", models, is_source, name, seed))
    name = "head output, area, against the share of negative slopes"
    found.append(_correlation(columns, FAIR, "negative_share", models, False, name, seed))
    values = np.stack(
        [columns.values(key, CONTROL)[:, 0] for key in (FAIR, "negative_mass")], axis=1
    )
    name = "over seeds, without penalty, head output, area"
    found.append(_over_seeds(values, name, seed))
    return found


def _correlation(columns, key, mass, models, is_source, name, seed):
    """Mean over seeds of the rank correlation of flatness and negative weights over models.

    Negative weights that are the same in all models say nothing: such seeds are left out. Flatness
    that is the same although they differ does not fall, so that it counts as 0; but where it
    differs in hardly any seed, the measure is at one of its ends, and that decides nothing.
    """
    seeds = [
        s
        for s in columns.trained(*models)
        if all(np.isfinite(columns.row(m, s)[k]) for m in models for k in (key, mass))
    ]
    flat, negative = (columns.values(k, *models, seeds=seeds) for k in (key, mass))
    pairs = [(a, b) for a, b in zip(flat, negative, strict=True) if np.ptp(b)]
    interval = mean_interval([rank_correlation(a, b) for a, b in pairs], seed=seed)
    if not pairs:
        return Reading(name, is_source, OPEN, too_few())
    told, varied = f"rank correlation {interval}", sum(bool(np.ptp(a)) for a, _ in pairs)
    if varied < LEAST_PAIRS:
        return Reading(name, is_source, OPEN, f"{told}, flatness varies in {varied}")
    return Reading(name, is_source, _falls(interval), told)


def _over_seeds(values, name, seed):
    """The rank correlation over seeds, by bootstrap."""
    rng, n = np.random.default_rng(seed), len(values)
    if n < 2:
        return Reading(name, False, OPEN, too_few(runs=n))
    if not np.ptp(values, axis=0).all():
        return Reading(name, False, OPEN, f"nothing varies ({n} seeds)")
    drawn = [rank_correlation(*values[rng.integers(n, size=n)].T) for _ in range(SHUFFLED)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    interval = Interval(rank_correlation(*values.T), float(low), float(high), n)
    return Reading(name, False, _falls(interval), f"rank correlation {interval}")


def _falls(interval):
    return more(
        interval._replace(value=-interval.value, low=-interval.high, high=-interval.low),
        CORRELATED,
    )


def rank_correlation(a, b):
    """Spearman's rank correlation; 0 where one of them is the same everywhere.

    Examples
    --------
    >>> rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([3.0, 1.0, 0.5])).__round__(6)
    -1.0
    >>> rank_correlation(np.zeros(3), np.arange(3))
    0.0
    """
    from scipy.stats import rankdata

    a, b = (rankdata(x) - (len(x) + 1) / 2 for x in (a, b))
    size = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / size) if size else 0.0


def _causes(columns, seed):
    found = []
    for key, is_source, name in FLATNESS:
        flat = columns.values(key, PREVENTED)[:, 0] >= IS_FLAT
        answer, told = mostly(int(flat.sum()), len(flat))
        told = f"w ≥ 0 is flat in {told}" if len(flat) else told
        found.append(Reading(f"sufficient: {name}", is_source, answer, told))
    rows = [columns.row(PREVENTED, s) for s in columns.trained(PREVENTED)]
    flat = [row[FAIR] >= IS_FLAT for row in rows if row["w3"] < 0]
    answer, told = mostly(sum(flat), len(flat))
    name = "sufficient: head output, norm below 1, area, runs with w3 < 0"
    if flat:
        told = f"w ≥ 0 is flat in {told}"
    elif rows:
        told = too_few(LEAST_RUNS, which="with w3 < 0")
    found.append(Reading(name, False, answer, told))
    for model, what in FREE.items():
        if model not in columns:
            continue
        kept = [columns.row(model, s) for s in columns.trained(model)]
        rows = [row for row in kept if row["negative_share"] >= CANCELS]
        for key, is_source, name in FLATNESS:
            still = [row[key] < IS_FLAT for row in rows if np.isfinite(row[key])]
            answer, told = mostly(sum(still), len(still))
            if still:
                told = f"{what} with negative weights is not flat in {told}"
            elif kept:
                told = too_few(LEAST_RUNS, which="with negative weights")
            is_own = is_source and model == CONTROL
            found.append(Reading(f"necessary, {what}: {name}", is_own, answer, told))
    return found
