"""Whether the pieces of `geomcore trained` that were kept are as they were written."""

import numpy as np

from constructions.verdicts import VERDICTS
from geomcore.network import ReLUNetwork
from training.output.forms import KNOWN, NUMBER, Array, check_form

RUNG = {"threshold": float, "step": int, "loss": float}
LAYER = {
    **dict.fromkeys(("layer", "width"), int),
    **{f"rank_{p}": int for p in ("double", "single")},
    **{
        f"{name}_{p}": float for name in ("defect", "defect_relative") for p in ("double", "single")
    },
    **dict.fromkeys(("condition", "smallest_angle", "aperture", "base_distance"), float),
    "is_cone": bool,
}
CLASS = {
    **dict.fromkeys(("layer", "class", "units_off"), int),
    **dict.fromkeys(("backward", "forward", "mixed", "dead", "spread", "off"), float),
}
NEURAL = ("nc1", "scatter", "nc2_norms", "nc2_angles", "nc2_simplex", "nc3", "nc4")
COLLAPSE = {
    "layer": int,
    "space": str,
    **dict.fromkeys((*NEURAL, "between_rank", "width", "rank", "defect"), NUMBER),
}
RUN = {"steps": int, "stop_reason": str, "threshold": float, "step": int, "value": float}
EXAMINED = {"verdict": str, "proved": bool, "cell_radius": float, "basin": float}
SUBSET = {
    **dict.fromkeys(("subset", "order"), str),
    **dict.fromkeys(("classes", "orders", "of"), int),
    **dict.fromkeys(("separable", "as_written"), KNOWN),
    "margin": (*NUMBER, None),
}
STEP = {
    **dict.fromkeys(("step", "digit", "points"), int),
    "against": str,
    "separable": KNOWN,
    "margin": (*NUMBER, None),
}
SEPARABILITY = {"subsets": [SUBSET], "steps": [STEP], "programs": int}
NETWORK = [(Array((None, None), is_finite=True), Array((None,), is_finite=True))]


def check_constructed(piece, digits):
    """Raise ValueError unless it may be what a construction on these digits left."""
    tables = {"layers": [LAYER], "classes": [CLASS], "examined": EXAMINED}
    is_refused = isinstance(piece, dict) and piece.get("networks") == []
    form = {"networks": [NETWORK], "refusal": str} | ({} if is_refused else tables)
    check_form(piece, form)
    for net in _networks(piece, digits):
        _check_tables(piece, net, digits)
    if not is_refused:
        check_examined(piece["examined"])


def check_run(piece, digits, *, is_first):
    """Raise ValueError unless it may be a run on these digits; is_first: all rungs are kept."""
    form = {
        "runs": [RUN],
        "recorded": Array((None,), "i"),
        "losses": Array((None,)),
        "layers": [RUNG | LAYER],
        "classes": [RUNG | CLASS],
        "collapse": [RUNG | COLLAPSE],
        "networks": [NETWORK],
        "rungs": [list],
    }
    check_form(piece, form)
    networks = _networks(piece, digits)
    if len(piece["runs"]) != 1 or not networks or not piece["rungs"]:
        raise ValueError("it has not one run with a network")
    if piece["recorded"].shape != piece["losses"].shape:
        raise ValueError("its losses are of other steps")
    for k, rung in enumerate(piece["rungs"]):
        told = len(rung) == 2 and type(rung[0]) is float and type(rung[1]) is int
        if not told or not 0 <= rung[1] < len(networks):
            raise ValueError(f"rung {k} is none")
    if not is_first and len(piece["rungs"]) != 1:
        raise ValueError("it has more than its last rung")
    _check_tables(piece, networks[-1], digits)


def check_examined(piece):
    """Raise ValueError unless it may be what is proved of a network."""
    check_form(piece, EXAMINED)
    if piece["verdict"] not in VERDICTS:
        raise ValueError("its verdict is none")


def _networks(piece, digits):
    """The networks of a piece, which take the images and answer which of the digits it is."""
    found = [ReLUNetwork(t[0::2], t[1::2]) for t in piece["networks"]]
    ends = digits.X.shape[1], len(digits.chosen)
    if any((net.widths[0], net.widths[-1]) != ends for net in found):
        raise ValueError("a network is of other images or digits")
    return found


def check_separability(piece):
    """Raise ValueError unless it may be what was found of the subsets of the digits."""
    check_form(piece, SEPARABILITY)
    if not piece["subsets"]:
        raise ValueError("it is of no digits")


def _check_tables(piece, net, digits):
    """Raise ValueError unless tables speak of the layers and digits that there are."""
    if not all(piece[name] for name in ("layers", "classes", "collapse") if name in piece):
        raise ValueError("a table of it is empty")
    hidden = set(range(1, len(net.weights)))
    for row in piece["layers"] + piece["classes"]:
        if row["layer"] not in hidden:
            raise ValueError(f"there is no layer {row['layer']}")
    for row in piece["classes"]:
        if row["class"] not in np.asarray(digits.chosen):
            raise ValueError(f"there is no digit {row['class']}")
