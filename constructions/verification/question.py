"""What is asked of a stored network: of which loss, and in which of its tensors."""

import numpy as np
from flint import arb, arb_mat

from constructions.penalised.objective import Objective, loss_ball, penalty
from constructions.proof.derivatives import pairs_of
from constructions.proof.exact import ball_matrix, precision
from constructions.proof.local_problem import LocalProblem
from geomcore.parameters import selected
from geomcore.weighting import points_sharing


def subset_of(problem, names):
    """How a certificate names what may move."""
    if problem.offset is not None:
        return ("cumulative",)
    return None if set(names) == set(problem.net.names) else names


def tensor_names_of(net, subset):
    """The names of the tensors that may move."""
    if subset is None:
        return net.names
    if isinstance(subset, str):
        subset = net.names[-2:] if subset in ("last", "cumulative") else (subset,)
    also = "'last', 'cumulative' or "
    return tuple(net.names[i] for i in selected(net.names, subset, argument="subset", also=also))


def objective_of(net, X, labels, loss, weight_decay, enclosure):
    """The loss next to a network, with weight decay or of a cross-entropy."""
    plain = problem_of(net, X, labels, loss, net.names, False, enclosure)
    with precision(enclosure.bits):
        value = loss_ball(net, X, labels.Y, plain.exact_weights, loss)
        value += penalty(net, weight_decay)
    return Objective(
        net,
        X,
        labels,
        loss,
        weight_decay,
        plain.weights,
        plain.exact_weights,
        plain.per_class,
        plain.free,
        enclosure,
        value,
    )


def problem_of(net, X, labels, loss, names, cumulative, enclosure):
    """The loss next to a network, in the tensors of these names."""
    sharing = points_sharing(labels.index, class_weighted=loss == "class_weighted")
    _, first = np.unique(labels.index, return_index=True)
    with precision(enclosure.bits):
        per_class = [arb(1) / n for n in sharing[first].tolist()]
    moving = [name in names for name in net.names]
    free = np.repeat(moving, [tensor.size for tensor in net.tensors])
    exact = [per_class[q] for q in labels.index]
    offset = _cumulative_bias(net, enclosure.bits) if cumulative else None
    return LocalProblem(
        net, X, labels, loss, 1 / sharing, exact, per_class, free, offset, enclosure
    )


def _cumulative_bias(net, bits):
    """b^(L-1) in balls (CE24 (3.5)), that of the input, 0, without hidden layers."""
    with precision(bits):
        offset = arb_mat(net.widths[0], 1)
        for W, b in pairs_of(net)[:-1]:
            offset = ball_matrix(W) * offset + ball_matrix(b[:, None])
        return offset.entries()
