"""The options of a new study, checked before what it works with is loaded."""

import re

from geomcore import ReLUNetwork
from geomcore.arrays import as_labels
from geomcore.parameters import selected
from training.descent.losses import SquaredError
from training.descent.optimizers import AUTO, SGD, as_optimizer
from training.descent.problem import as_plan
from training.study.identity import short
from training.study.planning.arguments import as_scales, as_size, as_trials
from training.study.planning.budget import USUAL
from training.study.planning.columns import LARGE, largest_column
from training.study.planning.comparable import check_comparable
from training.study.planning.defaults import default_tolerance
from training.study.planning.scales import COUNT


def check_options(arguments, scales, data, network):
    """Refuse what is wrong with the options of a new study whatever network there will be.

    Parameters
    ----------
    arguments : dict
        As in `training.commands.study.Arguments`.
    scales : sequence of float or None
    data : Dataset
    network : Network or None
        None if one is constructed.

    Raises
    ------
    ValueError
        If an option does not fit the data, the network or itself.
    """
    as_trials(arguments["trials"], 1, COUNT if scales is None else len(as_scales(scales)))
    loss, labels = SquaredError(), as_labels(data.y, len(data.X))
    if as_size(arguments["tolerance"], "tolerance") is None:
        default_tolerance(loss, labels)
    optimizer = as_optimizer(AUTO, arguments["learning_rate"], AUTO)
    as_plan(
        len(data.X),
        SGD(1.0) if optimizer == AUTO else optimizer,
        arguments["batch_size"],
        steps=USUAL if arguments["steps"] is None else arguments["steps"],
        **dict.fromkeys(("stop", "penalties", "constraints", "callbacks"), ()),
        drop_last=False,
        record=None,
    )
    tensors = tensors_of(arguments)
    if network is not None:
        selected(network.names, tensors)
    elif tensors and not all(re.fullmatch(r"[Wb][1-9][0-9]*", name) for name in tensors):
        raise ValueError(
            "tensors must be names such as W1 or b2 with commas between, got "
            f"{short(repr(arguments['tensors']))}"
        )
    wanted = {kind: arguments[kind] for kind in ("states", "merges")}
    check_comparable(len(labels.classes), **wanted)


def tensors_of(arguments):
    """The names of the tensors that are perturbed, a list; None if all are."""
    given = arguments["tensors"]
    return None if given is None else given.split(",")


def is_to_be_standardised(X, network, wished):
    """Whether the columns of the data are standardised: as wished, else if they are large.

    Parameters
    ----------
    X : ndarray, shape (N, d)
    network : Network or None
        None if one is constructed.
    wished : bool or None

    Raises
    ------
    ValueError
        If it is wished for a network that cannot be rewritten for such columns.
    """
    rewritten = network is None or isinstance(network, ReLUNetwork)
    if wished and not rewritten:
        raise ValueError(
            "standardize must be left out for a network whose first layer is not affine, of which "
            "no network on other columns is made"
        )
    return rewritten and largest_column(X) > LARGE if wished is None else wished
