"""The independent checker on trial: it believes `verify`, and no lie that rationals expose."""

import dataclasses
import json
import math

import hostile

from constructions import check_certificate

LIES = 3
# What the format leaves to the reader, or calls floating.
UNPROVED = (
    "undetermined",
    "radius: subset",
    "not stationary (not proved): false",
    "saddle (not proved): false",
)


def findings(case, found):
    """What the checker says of a certificate: its fields that do not hold, with the reasons."""
    index, targets, _ = hostile.exact_class(case)
    targets = [[int(v.p) / int(v.q) for v in row] for row in targets.tolist()]
    stated = json.loads(found.to_json())
    answer = check_certificate(
        stated,
        case.weights,
        case.biases,
        [*case.X] * case.copies,
        targets,
        index * case.copies,
    )
    return [(field, detail) for field, holds, detail in answer if holds is False]


def disagreements(trial_of, case, found, rng):
    """Where checker and `verify` disagree, or where the checker believes a lie or doubts a truth.

    Parameters
    ----------
    trial_of : callable
        `judge.Trial`.
    case, found : Case and Certificate
    rng : numpy.random.Generator
    """
    for field, detail in findings(case, found):
        yield f"checker: {field}", detail
    if found.critical is not None:
        return  # the checker examines none of what could be altered
    for _ in range(LIES):
        what, other, lie = tampered(case, found, rng)
        if lie is None:
            continue
        wrong = [k for k, _ in trial_of(other, lie, 0).failures() if k not in UNPROVED]
        doubts = findings(other, lie)
        if wrong and not doubts and lie.proved:
            yield f"checker believes a lie: {what}", f"{wrong[0]}"
        if not wrong and doubts and what.startswith("weaker"):
            yield f"checker doubts a truth: {what}", str(doubts[0])


def tampered(case, found, rng):
    """A certificate with one thing changed, and the case with the options that it names."""
    up, down = (1 + s * 10.0 ** -rng.uniform(0, 14) for s in (1, -1))
    witness, basin = found.witness, found.basin
    minima = ("global minimum", "local minimum")
    # name, whether it applies, changed fields, changed options
    kinds = [
        ("loss_bound", True, {"loss_bound": found.loss_bound * down}, {}),
        ("loss_floor", True, {"loss_floor": found.loss_floor * up + 1e-300}, {}),
        ("lower_bound", True, {"lower_bound": found.lower_bound * up + 1e-300}, {}),
        ("lower_bound", True, {"lower_bound": found.loss_floor}, {}),
        ("weaker lower_bound", True, {"lower_bound": found.lower_bound * max(down, 0.0)}, {}),
        ("margins", found.margins, _margins(found, up), {}),
        ("weaker margins", found.margins, _margins(found, down), {}),
        ("accuracy", True, {"accuracy": (found.accuracy + 1 / found.points) % 1.0}, {}),
        ("verdict", True, {"verdict": minima[found.verdict == minima[0]], "proved": True}, {}),
        ("minimum", True, {"verdict": minima[rng.integers(2)], "proved": True, "witness": None,
         "distance": found.distance if found.distance is not None else 0.0}, {}),
    ]  # fmt: skip
    if found.distance is not None:
        kinds.append(("distance", True, {"distance": found.distance * down}, {}))
    if found.radius and math.isfinite(found.radius):
        kinds.append(("radius", True, {"radius": found.radius * up}, {}))
        kinds.append(("radius", True, {"radius": found.radius * 1.5}, {}))
        kinds.append(("weaker radius", True, {"radius": found.radius * down, "basin": None}, {}))
    if basin is not None:
        for key in basin:
            by = 1.5 if rng.random() < 0.5 else up
            kinds.append((f"basin {key}", True, {"basin": {**basin, key: basin[key] * by}}, {}))
    if witness is not None:
        names = [n for n in ("slope", "curvature", "coefficient") if n in witness]
        for key, by in [(n, up) for n in names] + [("step", -1.0), ("step", 2.0), ("loss", down)]:
            kinds.append(
                (f"witness {key}", True, {"witness": {**witness, key: witness[key] * by}}, {})
            )
        kinds += [
            (f"weaker {n}", True, {"witness": {**witness, n: witness[n] * down}}, {}) for n in names
        ]
    if case.options["subset"] is not None:
        kinds.append(("subset", True, {"subset": None}, {"subset": None}))
    names = [f"{k}{l}" for l in range(1, len(case.weights) + 1) for k in "Wb"]
    one = (str(rng.choice(names)),)
    kinds.append(("subset", True, {"subset": one}, {"subset": one}))
    kinds.append(("rtol", True, {"rtol": found.rtol / 16}, {"rtol": found.rtol / 16}))
    what, applies, fields, options = kinds[rng.integers(len(kinds))]
    if not applies:
        return what, case, None
    other = case._replace(options={**case.options, **options})
    return what, other, dataclasses.replace(found, **fields)


def _margins(found, factor):
    margins = tuple(m * factor for m in found.margins)
    return {"margins": margins, "activation_margin": min(margins, default=math.inf)}
