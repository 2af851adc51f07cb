"""Tables and sentences of `geomcore optimum`; what is proved is never rounded to the wrong side."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Context

import numpy as np

from constructions.two_layer.answer import REASONS
from geomcore.foreign.wording import counted
from training.experiments.optimum.random_starts import NEAR

DIGITS = 6


def below(value, digits=DIGITS):
    """A number with some digits, rounded down.

    Examples
    --------
    >>> below(0.05966189), above(0.05966121), below(0.25)
    ('0.0596618', '0.0596613', '0.25')
    """
    return _rounded(value, digits, ROUND_FLOOR)


def above(value, digits=DIGITS):
    """A number with some digits, rounded up."""
    return _rounded(value, digits, ROUND_CEILING)


def _rounded(value, digits, how):
    if not np.isfinite(value):
        return str(value)
    return f"{Context(prec=digits, rounding=how).create_decimal(float(value)).normalize():g}"


def path_frame(path):
    """`TwoLayerPath.frame` with the weight decay as a column and why each search ended."""
    frame = path.frame().reset_index()
    return frame.assign(reason=[best.reason for best in path.optima])


def path_rows(path):
    """The path as rows of strings, for screen and page."""
    return [
        {
            "decay": f"{best.weight_decay:g}",
            "loss at most": above(best.loss),
            "at least": below(best.lower_bound),
            "gap": above(best.gap, 2),
            "neurons": str(best.neurons),
            "rounds": str(best.rounds),
            "seconds": f"{best.seconds:.1f}",
            "end": best.reason,
        }
        for best in path.optima
    ]


def path_sentences(path):
    """A sentence for each weight decay."""
    return [
        f"Weight decay {best.weight_decay:g}: no two-layer network of any width has a loss below "
        f"{below(best.lower_bound)}; one of {counted(best.neurons, 'neuron')} has at most "
        f"{above(best.loss)}. The gap is at most {above(best.gap, 2)} of the loss. The search "
        f"ended since {REASONS[best.reason]}."
        for best in path.optima
    ]


def run_rows(found, path):
    """All trained networks, one row each, for `runs.csv`."""
    rows = []
    for own in found:
        best = _optimum(path, own.weight_decay)
        gaps, near = own.gaps(best.lower_bound), own.near(best.loss)
        rows += [
            {
                "weight_decay": own.weight_decay,
                "width": own.width,
                "run": number,
                "loss": loss,
                "gap": gap,
                "near": bool(is_near),
            }
            for number, (loss, gap, is_near) in enumerate(zip(own.losses, gaps, near, strict=True))
        ]
    return rows


def width_rows(found, path):
    """What training found, one row of strings for each weight decay and width."""
    rows = []
    for own in found:
        best = _optimum(path, own.weight_decay)
        gaps = own.gaps(best.lower_bound)
        rows.append(
            {
                "decay": f"{own.weight_decay:g}",
                "width": str(own.width),
                "runs": str(len(own.losses)),
                "near": str(int(own.near(best.loss).sum())),
                "least loss": f"{own.losses.min():.6g}",
                "median": f"{np.median(own.losses):.6g}",
                "least gap": f"{gaps.min():.2g}",
                "median gap": f"{np.median(gaps):.2g}",
                "largest gap": f"{gaps.max():.2g}",
            }
        )
    return rows


def width_sentences(found, path):
    """A sentence for each weight decay and width."""
    told = []
    for own in found:
        best = _optimum(path, own.weight_decay)
        gaps = own.gaps(best.lower_bound)
        told.append(
            f"Weight decay {own.weight_decay:g}, width {own.width}: of {len(own.losses)} trained "
            f"networks {int(own.near(best.loss).sum())} have a loss within {NEAR:g} of that of the "
            f"best one; gaps to the bound from {gaps.min():.2g} to {gaps.max():.2g} of the loss, "
            f"{np.median(gaps):.2g} in the median."
        )
    return told


def judged_rows(bounds, path):
    """A network beside the optimum, one row of strings for each weight decay.

    Parameters
    ----------
    bounds : list of TwoLayerBound
        One for each weight decay of the path, or none.
    path : TwoLayerPath
    """
    return [
        {
            "decay": f"{bound.weight_decay:g}",
            "loss at most": above(bound.loss),
            "own bound": below(bound.lower_bound),
            "best bound": below(_least(bound, best)),
            "gap": above(gap_of(bound, best), 2),
            "new unit": "no" if bound.neuron is None else "yes",
            "improved": "-" if bound.improved is None else above(bound.improved_loss),
        }
        for bound, best in _pairs(bounds, path)
    ]


def judged_sentences(bounds, path, name):
    """A sentence for each weight decay."""
    told = []
    for bound, best in _pairs(bounds, path):
        better = [] if bound.improved is None else [bound.improved_loss]
        better = min([*better, best.loss])
        parts = [
            f"Weight decay {bound.weight_decay:g}: {name} has a loss of at most "
            f"{above(bound.loss)}, and no two-layer network has less than "
            f"{below(_least(bound, best))}: it is above the best one by at most "
            f"{above(gap_of(bound, best), 2)} of its loss."
        ]
        if better < bound.loss_floor:
            parts.append(f"It is not the best: there is one with at most {above(better)}.")
        if bound.neuron is not None:
            parts.append(
                "With units balanced and its best last layer, a new unit lowers its loss further."
            )
        told.append(" ".join(parts))
    return told


def judged_frame(bounds, path):
    """Rows of numbers for `network.csv`; the new unit as columns w0, ..., b, v0, ..."""
    rows = []
    for bound, best in _pairs(bounds, path):
        row = {
            "weight_decay": bound.weight_decay,
            "loss": bound.loss,
            "loss_floor": bound.loss_floor,
            "own_bound": bound.lower_bound,
            "best_bound": _least(bound, best),
            "gap": gap_of(bound, best),
            "improved_loss": bound.improved_loss,
        }
        if bound.neuron is not None:
            w, b, v = bound.neuron
            row |= {f"w{k}": value for k, value in enumerate(w)} | {"b": b}
            row |= {f"v{k}": value for k, value in enumerate(v)}
        rows.append(row)
    return rows


def gap_of(bound, best):
    """What the loss of a network may be too large by, at most, as a part of it."""
    return 1 - _least(bound, best) / bound.loss if bound.loss > 0 else 0.0


def _least(bound, best):
    """The larger one of two proved bounds for all networks."""
    return max(bound.lower_bound, best.lower_bound)


def _pairs(bounds, path):
    return list(zip(bounds, path.optima, strict=True)) if bounds else []


def _optimum(path, decay):
    return next(best for best in path.optima if best.weight_decay == decay)
