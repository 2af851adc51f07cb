"""What a theorem hands back to `construct`: a draft of the hidden layers, or a refusal."""

from typing import NamedTuple

from constructions.building.assembly import Frame
from geomcore.cumulative import layer_parameters


class Draft(NamedTuple):
    """Hidden layers that send each class to one point, and what to say about them.

    Attributes
    ----------
    layers : list of (W, b)
        Acting one after another on the data in `frame`.
    kinds : list of str
        One for each layer, a `LayerRecord.kind`.
    order : list of int
        The class each layer collapses, as a position in the sorted labels.
    frame : Frame
    report : dict
        Numbers and strings only: which hypotheses hold, by how much.
    homogeneous : bool
        Whether the cumulative bias of the last layer is to be zero, see `assemble`.
    """

    layers: list
    kinds: list
    order: list
    frame: Frame
    report: dict
    homogeneous: bool = False


class Refused(Exception):
    """A theorem does not apply; the message says which hypothesis fails, and by how much.

    Attributes
    ----------
    certificates : dict
        As in `ConstructionError`.
    """

    def __init__(self, reason, certificates=None):
        super().__init__(reason)
        self.certificates = certificates or {}


def chained(cumulative):
    """Layers acting one after another that have the given cumulative parameters.

    Parameters
    ----------
    cumulative : list of (W, b)

    Returns
    -------
    list of (W, b)

    Raises
    ------
    Refused
        If they are too ill-conditioned for double precision.
    """
    try:
        net = layer_parameters([W for W, _ in cumulative], [b for _, b in cumulative])
    except ValueError as error:
        raise Refused(f"the layers are too ill-conditioned for double precision: {error}") from None
    return list(zip(net.weights, net.biases, strict=True))
