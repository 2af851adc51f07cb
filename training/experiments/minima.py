"""What kind of point each state and each merge is: the table behind docs/minima.md."""

import time
from functools import partial
from typing import NamedTuple

import numpy as np

from constructions import (
    ConstructionError,
    balanced,
    basin_of_return,
    construct,
    merged,
    suboptimal,
    verify,
)
from constructions.proof.derivatives import hessian
from constructions.theorems.enumeration import all_states, partitions
from geomcore import datasets
from geomcore.datasets.dataset import Dataset
from geomcore.parameters import move
from geomcore.weighting import point_weights
from training.descent.optimizers import SGD
from training.descent.trainer import train_ensemble

COLUMNS = (
    "classes",
    "name",
    "kind",
    "last_layer",
    "loss_name",
    "layers",
    "parameters",
    "loss",
    "closed_form",
    "gradient_norm",
    "lower_bound",
    "margin",
    "cell_radius",
    "basin",
    "rate",
    "balanced_basin",
    "smallest_eigenvalue",
    "largest_eigenvalue",
    "zero_eigenvalues",
    "verdict",
    "proved",
    "verdict_in_cumulative",
    "witness_loss",
    "descent_loss",
    "perturbed_lowest",
    "perturbed_median",
    "perturbed_highest",
    "lower_found",
    "build_seconds",
    "verify_seconds",
    "descent_seconds",
)
MOST_PARAMETERS = 1200  # up to which the whole Hessian is computed
ZERO = 1e-9  # an eigenvalue below this fraction of the largest counts as zero
LOWER = 1e-6  # a loss lower by this fraction counts as lower
MOST_CLASSES = 6  # 64 states twice, and 203 partitions


class Findings(NamedTuple):
    """What was found about one data set.

    Attributes
    ----------
    data : Dataset
    rows : list of dict
        One per point, as `examine` gives them, with the name of the data set
        as ``data``.
    networks : list of ReLUNetwork
        One per row.
    refused : list of dict
        ``name`` and ``refusal`` of each point that cannot be constructed.
    """

    data: Dataset
    rows: list
    networks: list
    refused: list


def balls(numbers, points, *, radius, seed):
    """Data sets of balls around unit vectors, one for each number of classes.

    Parameters
    ----------
    numbers : sequence of int
    points : int
        Per ball.
    radius : float
    seed : int

    Returns
    -------
    list of Dataset

    Raises
    ------
    ValueError
        If there are no such balls.
    """
    return [
        datasets.clusters(points, classes=q, radius=radius, rng=seed)._replace(name=f"{q} balls")
        for q in dict.fromkeys(numbers)
    ]


def points_of(data):
    """All states, all merges and the paper's own points of a data set, ready to be examined.

    Parameters
    ----------
    data : Dataset

    Returns
    -------
    list of dict
        Each with ``name``, ``kind``, ``last_layer``, ``loss``, ``state`` or
        ``groups``, and ``build``, which returns the `Construction`.
    """
    X, y = data.X, data.y
    classes = np.unique(y).tolist()
    jobs = [_job("clustered", "zero loss", lambda: construct(X, y, "clustered"))]
    for state in all_states(len(classes)):
        name = f"state {''.join(map(str, state))}"
        jobs.append(_job(name, "state", partial(suboptimal, X, y, state), state=state))
    for groups in sorted(partitions(classes), key=len):
        name = "merge " + " | ".join(" ".join(map(str, group)) for group in groups)
        jobs.append(_job(name, "merge", partial(merged, X, y, groups), groups=groups))
    for state in all_states(len(classes)):
        name = f"paper {''.join(map(str, state))}"
        build = partial(suboptimal, X, y, state, bias=False, loss="class_weighted")
        jobs.append(_job(name, "paper", build, "linear", "class_weighted", state=state))
    return jobs


def _job(name, kind, build, last_layer="affine", loss="mse", *, state=None, groups=None):
    return {
        "name": name,
        "kind": kind,
        "last_layer": last_layer,
        "loss": loss,
        "state": state,
        "groups": groups,
        "build": build,
    }


def survey(jobs, data, *, progress=None, **options):
    """Examine many points of one data set.

    Parameters
    ----------
    jobs : list of dict
        From `points_of`.
    data : Dataset
    progress : callable, optional
        Called with the name of each point before it is examined.
    **options
        Of `examine`.

    Returns
    -------
    Findings
    """
    found = Findings(data, [], [], [])
    for job in jobs:
        if progress is not None:
            progress(f"{data.name}: {job['name']}")
        row, net = examine(job, data, **options)
        if net is None:
            found.refused.append(row)
        else:
            found.rows.append({"data": data.name, **row})
            found.networks.append(net)
    return found


def contradicted(rows):
    """The rows that cannot be right: certified minima near which descent found a lower loss."""
    return [r for r in rows if r["verdict"].endswith("minimum") and r["lower_found"]]


def examine(job, data, *, steps, trials, scale, seed):
    """One row of the table.

    Parameters
    ----------
    job : dict
        From `points_of`.
    data : Dataset
    steps : int
        Steps of gradient descent, with the learning rate 1 / (largest eigenvalue of the Hessian).
    trials : int
        Perturbations.
    scale : float
        Euclidean norm of each perturbation of all parameters together.
    seed : int

    Returns
    -------
    dict, ReLUNetwork
        The keys of `COLUMNS` (nan or "" where there is nothing to say), and the
        network; or a dict with ``refusal`` and None if there is no such construction.
    """
    X, y, loss = data.X, data.y, job["loss"]
    start = time.perf_counter()
    try:
        net = job["build"]().network
    except ConstructionError as refusal:
        return {"name": job["name"], "refusal": str(refusal)}, None
    built = time.perf_counter()
    found = verify(net, X, y, loss=loss)
    row = dict.fromkeys(COLUMNS, np.nan)
    row |= {key: job[key] for key in ("name", "kind", "last_layer")}
    row["loss_name"] = loss
    if job["kind"] == "paper":
        inner = verify(net, X, y, loss=loss, subset="cumulative")
        row["verdict_in_cumulative"] = inner.verdict + (" (proved)" if inner.proved else "")
    else:
        row["verdict_in_cumulative"] = ""
    index = np.unique(y, return_inverse=True)[1]
    weights = point_weights(index, class_weighted=loss == "class_weighted")
    row |= _spectrum(net, X, one_hot(y), weights)
    verified = time.perf_counter()
    row |= _descent(net, X, y, loss, row, found, steps=steps, trials=trials, scale=scale, seed=seed)
    done = time.perf_counter()
    value = found.loss if loss == "mse" else found.class_weighted_loss
    if found.basin is not None and job["kind"] != "paper":
        row["basin"], row["rate"] = found.basin["radius"], found.basin["rate"]
        if job["kind"] in ("zero loss", "merge"):
            row["balanced_basin"] = basin_of_return(balanced(net, X), X).radius
    witness = found.witness
    return row | {
        "classes": len(np.unique(y)),
        "layers": len(net.weights),
        "parameters": net.parameter_count,
        "loss": value,
        "closed_form": closed_form(job, X, y),
        "gradient_norm": found.gradient_norm,
        "lower_bound": found.lower_bound,
        "margin": found.activation_margin,
        "cell_radius": np.nan if found.radius is None else found.radius,
        "verdict": found.verdict,
        "proved": found.proved,
        "witness_loss": np.nan if witness is None else witness["loss"],
        "build_seconds": built - start,
        "verify_seconds": verified - built,
        "descent_seconds": done - verified,
    }, net


def one_hot(y):
    """One-hot rows in sorted order of the labels, shape (N, Q)."""
    return (np.asarray(y)[:, None] == np.unique(y)).astype(float)


def closed_form(job, X, y):
    r"""The loss that is published, or elementary, for a point of the table; nan if there is none.

    For the paper's points, CE23 (2.71) and (2.85): with the class means
    :math:`\bar X` as columns, :math:`\Delta = \bar X^{-1} \Delta X`, the columns
    of collapsed classes being zero, and :math:`\Delta_2 = \Delta N^{-1} \Delta^T`,
    it is :math:`\sum_i \lambda_i / (1 + \lambda_i)` over the eigenvalues of
    :math:`\Delta_2`. It needs d = Q. For merges: the scatter of the targets within
    the groups.
    """
    Y = one_hot(y)
    classes, index, sizes = np.unique(y, return_inverse=True, return_counts=True)
    if job["kind"] == "merge":
        owner = {label: g for g, group in enumerate(job["groups"]) for label in group}
        member = np.array([owner[label] for label in classes.tolist()])[index]
        means = np.stack([Y[member == g].mean(axis=0) for g in range(len(job["groups"]))])
        return float(((Y - means[member]) ** 2).sum(axis=1).mean())
    if job["kind"] == "zero loss":
        return 0.0
    if job["kind"] != "paper" or X.shape[1] != len(classes):
        return np.nan
    means = np.stack([X[index == q].mean(axis=0) for q in range(len(classes))])
    alone = np.array(job["state"], dtype=float)[index]
    delta = np.linalg.solve(means.T, ((X - means[index]) * alone[:, None]).T)
    values = np.linalg.eigvalsh((delta / sizes[index]) @ delta.T)
    return float((values / (1 + values)).sum())


def _spectrum(net, X, Y, weights):
    if net.parameter_count > MOST_PARAMETERS:
        return {}
    values = np.linalg.eigvalsh(hessian(net, X, Y, weights))
    size = float(np.abs(values).max())
    return {
        "smallest_eigenvalue": float(values[0]),
        "largest_eigenvalue": size,
        "zero_eigenvalues": int((np.abs(values) <= ZERO * size).sum()),
    }


def _descent(net, X, y, loss, row, found, *, steps, trials, scale, seed):
    """Loss after gradient descent from the point itself and from perturbations of it."""
    curvature = row["largest_eigenvalue"]
    if not curvature > 0:
        curvature = 20.0
    rng = np.random.default_rng(seed)
    nets = [net]
    for _ in range(trials):
        direction = rng.standard_normal(net.parameter_count)
        nets.append(move(net, direction / np.linalg.norm(direction), scale))
    result = train_ensemble(
        nets,
        X,
        y,
        loss=loss,
        optimizer=SGD(1 / curvature),
        steps=steps,
        record=max(steps, 1),
    )
    own, perturbed = result.final_losses[0], result.final_losses[1:]
    value = found.loss if loss == "mse" else found.class_weighted_loss
    threshold = value * (1 - LOWER) - 1e-15
    summary = [np.min, np.median, np.max] if trials else []
    names = ("perturbed_lowest", "perturbed_median", "perturbed_highest")
    return {
        "descent_loss": float(own),
        **{name: float(f(perturbed)) for name, f in zip(names, summary, strict=False)},
        "lower_found": int((result.final_losses < threshold).sum()),
    }


def in_words(row):
    """A row of the table as strings by column."""

    def number(value, form="{:.3g}"):
        return "-" if value != value else form.format(value)

    proved = " (proved)" if row["proved"] else ""
    inner = row["verdict_in_cumulative"]
    return {
        "point": row["name"],
        "loss": number(row["loss"], "{:.6g}"),
        "closed form": number(row["closed_form"], "{:.6g}"),
        "verdict": row["verdict"] + proved,
        "in W^(L) alone": inner or "-",
        "gradient": number(row["gradient_norm"], "{:.1e}"),
        "lower bound": number(row["lower_bound"], "{:.6g}"),
        "witness": number(row["witness_loss"], "{:.6g}"),
        "margin": number(row["margin"]),
        "cell radius": number(row["cell_radius"]),
        "λ*": number(row["basin"]),
        "λ* balanced": number(row["balanced_basin"]),
        "min eigenvalue": number(row["smallest_eigenvalue"], "{:.1e}"),
        "zero eigenvalues": f"{number(row['zero_eigenvalues'], '{:.0f}')} of {row['parameters']}",
        "descent": number(row["descent_loss"], "{:.6g}"),
        "perturbed, descent": f"{number(row['perturbed_lowest'], '{:.6g}')} – "
        f"{number(row['perturbed_highest'], '{:.6g}')}",
    }


def growth(found):
    """What the `Findings` about one data set took, as strings by column."""
    rows = found.rows
    count = {kind: sum(r["kind"] == kind for r in rows) for kind in ("state", "merge", "paper")}
    seconds = {
        part: sum(r[f"{part}_seconds"] for r in rows) for part in ("build", "verify", "descent")
    }
    return {
        "data": found.data.name,
        "points": str(len(found.data.X)),
        "states": f"{count['state']} + {count['paper']}",
        "merges": str(count["merge"]),
        **{f"{part} (s)": f"{value:.1f}" for part, value in seconds.items()},
    }
