"""What pictures show, in words for those who do not see them."""

import numpy as np

from geomcore.foreign.wording import counted, printable, shortened
from geomcore.plot.outputs import distances, nearer_to_another

MOST = 12  # parts of an enumeration
LONGEST = 30  # characters of a class


def listed(parts, most=MOST, between=", "):
    """Parts with commas between, of very many the first ones and the number of the others.

    Examples
    --------
    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    parts = list(parts)
    if len(parts) <= most:
        return between.join(parts)
    return f"{between.join(parts[:most])} and {len(parts) - most:,} more"


def classes_in_words(labels):
    """How many points there are and of which classes."""
    counts = np.bincount(labels.index, minlength=len(labels.classes))
    points, kinds = counted(len(labels.index), "point"), counted(len(labels.classes), "class")
    sizes = listed(f"{_name(c)} ({n:,})" for c, n in zip(labels.classes, counts, strict=True))
    return f"{points} in {kinds}: {sizes}"


def cones_in_words(labels, layers):
    """A panel per layer with the class that it collapses."""
    counts = dict(zip(labels.classes.tolist(), np.bincount(labels.index).tolist(), strict=True))
    told = listed(
        f"the cone of layer {layer.index} holds the {counted(counts[layer.label], 'point')} "
        f"of class {_name(layer.label)}"
        for layer in layers
    )
    return f"{_panels(len(layers))} of {classes_in_words(labels)}; {told}, and no others"


def truncation_in_words(labels, piled):
    """Panel by panel the classes that become one point.

    Parameters
    ----------
    labels : Labels
    piled : ndarray of bool, shape (stages, Q)
        Which classes are one point at each stage, the data first.
    """
    steps = []
    for l in range(1, len(piled)):
        new = listed(map(_name, labels.classes[piled[l] & ~piled[l - 1]]))
        if new:
            steps.append(f"layer {l} makes one point of class {new}")
    left = len(labels.classes) - int(piled[-1].sum())
    end = "in the end every class is one point" if not left else f"in the end {left} are not"
    told = listed([*steps, end], between="; ")
    return f"{_panels(len(piled))} of {classes_in_words(labels)}; {told}"


def margins_in_words(labels, found):
    """Layer by layer the classes that are collapsed, and the smallest margin.

    Parameters
    ----------
    labels : Labels
    found : list of ndarray, each of shape (N,)
        Of `geomcore.plot.margins.margins`.
    """
    steps = []
    for l, margin in enumerate(found[:MOST]):
        most = np.full(len(labels.classes), -np.inf)
        np.maximum.at(most, labels.index, margin)
        off, nearest = list(map(_name, labels.classes[most < 0])), np.abs(margin).min()
        what = f"collapses class {listed(off)}" if off else "collapses no whole class"
        inside = int((margin == 0).sum())
        rest = (
            f"{counted(inside, 'point')} in between" if inside else f"smallest margin {nearest:.1e}"
        )
        steps.append(f"layer {l + 1} {what}, {rest}")
    told = "; ".join(steps)
    return f"Strips of {counted(len(found), 'layer')} with {classes_in_words(labels)}; {told}"


def outputs_in_words(labels, out):
    """Class by class how far outputs are from their target, and how many are nearer to another."""
    far = distances(out, labels.Y)
    wrong = int(nearer_to_another(out, labels).sum())
    largest = [far[labels.index == j].max() for j in range(len(labels.classes))]
    rows = listed(f"{_name(c)}: {d:.1e}" for c, d in zip(labels.classes, largest, strict=True))
    end = (
        f"{counted(wrong, 'output')} nearer to another target"
        if wrong
        else "none nearer to another"
    )
    return f"Rows of dots, largest distance of an output to its target by class: {rows}; {end}"


def piles_in_words(labels, panels):
    """How many panels, of which points, and how they end."""
    return (
        f"{_panels(panels)} of {classes_in_words(labels)}; from panel to panel points of one class "
        "are cut off and added to the pile of their class, drawn aside with its number of points"
    )


def study_in_words(study):
    """For each reference and λ how many trials left and how many of those returned.

    Parameters
    ----------
    study : StudyResult

    Returns
    -------
    str
    """
    several, parts = len(study.references) > 1, []
    for row in study.frame("scale").itertuples():
        left = getattr(row, "left", row.trials)
        stayed = f"{row.trials - left} stayed, " if left < row.trials else ""
        name = f"{_name(row.reference)}, " if several else ""
        parts.append(
            f"{name}λ {row.scale:g}: {stayed}{row.returned} of {left}, median {row.median:.0e}"
        )
    return f"Trials that return of those that left, and their final loss; {listed(parts, 24, '; ')}"


def ends_in_words(study):
    """How many trials end below where they began."""
    columns = study.columns
    less = int((columns["final_loss"] < columns["initial_loss"]).sum())
    trials = counted(len(columns["trial"]), "trial")
    return f"{trials} as dots; {less:,} of them lower than at the start"


def points_in_words(rows):
    """Loss and verdict of each point of a table of minima.

    Parameters
    ----------
    rows : list of dict
        Of `training.experiments.minima.examine`.
    """
    told = listed((f"{_name(r['name'])}: {r['loss']:.2g}, {r['verdict']}" for r in rows), 40, "; ")
    return f"Loss and verdict of {counted(len(rows), 'point')}; {told}"


def _name(label):
    # What is cut away in the end is not worth writing down.
    return shortened(printable(shortened(str(label), LONGEST)), LONGEST)


def _panels(count):
    return f"{count} panels" if count != 1 else "One panel"
