"""What all measures of a network on a polytope take."""

from geomcore.arrays import as_array, as_count, as_place, check_network
from geomcore.foreign.wording import quoted
from geomcore.mesa.polytope import Polytope, as_box
from geomcore.network import Network


def checked(net, polytope, box, output):
    """The box and the output as they are used; ValueError if these do not fit together."""
    check_pair(net, polytope)
    return as_box(box, polytope.d), as_output(output, net)


def check_pair(net, polytope):
    """Raise unless these are a network and a polytope in the space of its inputs."""
    check_network(net, Network)
    if not isinstance(polytope, Polytope):
        raise ValueError(f"polytope must be a Polytope, got {quoted(polytope)}")
    d = net.widths[0]
    if d is not None and d != polytope.d:
        raise ValueError(f"polytope must be in dimension {d}, the inputs of net, got {polytope.d}")


def as_output(output, net):
    """The number of an output of a network, from 0."""
    width = net.widths[-1]
    return as_count(output, "output", 0) if width is None else as_place(output, "output", width)


def as_levels(values, name):
    """Positive numbers as a list."""
    values = as_array(values, name, 1)
    if not (values > 0).all():
        raise ValueError(f"{name} must be positive, got {quoted(values.tolist())}")
    return values.tolist()
