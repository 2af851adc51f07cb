"""Networks from scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.libraries import check_library
from geomcore.foreign.wording import quoted
from geomcore.interop.chain import Chain, normalised

if TYPE_CHECKING:
    from geomcore.network import ReLUNetwork

# What comes last, if anything; "exp" belongs to the Poisson loss.
HEADS = {"identity": None, "softmax": "softmax", "logistic": "sigmoid"}


@answers_keywords
def from_sklearn(model: Any) -> ReLUNetwork:
    """Bring in a fitted multilayer perceptron of scikit-learn.

    Parameters
    ----------
    model : MLPClassifier, MLPRegressor or Pipeline
        With the activation "relu", or "identity" (all layers become one). At
        the end of a pipeline of `StandardScaler`, `MinMaxScaler` or
        `MaxAbsScaler`, which are folded into the first layer.

    Returns
    -------
    ReLUNetwork
        Of a classifier, the logits: one output per class in the order of
        ``classes_`` (or per label, if it has several); if there are two
        classes, one output, which is positive where the second is predicted.

    Raises
    ------
    ValueError
        If it is something else, not fitted, or clips its inputs.

    Warns
    -----
    UserWarning
        If the network is not literally the model: a softmax or logistic
        function left off, a scaler folded in.

    Examples
    --------
    >>> from sklearn.neural_network import MLPRegressor
    >>> model = MLPRegressor(hidden_layer_sizes=(3,), solver="lbfgs")
    >>> from_sklearn(model.fit([[0.0], [1.0]], [0.0, 1.0]))
    ReLUNetwork(widths=(1, 3, 1))
    """
    check_library(model, "sklearn")
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import Pipeline

    chain = Chain("model")
    *before, (name, model) = _steps(model, Pipeline)
    if not isinstance(model, MLPClassifier | MLPRegressor):
        raise ValueError(
            "model must be an MLPClassifier or MLPRegressor, or a Pipeline that ends in one, got "
            f"{type(model).__name__}"
        )
    if not hasattr(model, "coefs_"):
        raise ValueError(f"model must be fitted, the {type(model).__name__} is not")
    if model.activation not in ("relu", "identity"):
        raise chain.refused(f"activation {quoted(model.activation)}")
    for step, scaler in before:
        _add_scaler(chain, f"step {quoted(step)}", scaler)
    for l, (W, b) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        if l and model.activation == "relu":
            chain.relu(f"layer {l}")
        chain.affine(W.T, b, f"layer {l + 1}")
    if model.out_activation_ not in HEADS:
        raise chain.refused(f"out_activation_ {quoted(model.out_activation_)}")
    if HEADS[model.out_activation_]:
        chain.head(HEADS[model.out_activation_], f"out_activation_ of {name}")
        if chain.width == 1 and len(model.classes_) == 2:
            chain.note(f"the one output is the logit of {quoted(model.classes_.tolist()[1])}")
    return chain.network()


def _steps(model, pipeline):
    """The steps of nested pipelines, of which some may do nothing."""
    if not isinstance(model, pipeline):
        return [(type(model).__name__, model)]
    steps = []
    for name, step in model.steps:
        if isinstance(step, pipeline):
            steps += _steps(step, pipeline)
        elif step not in (None, "passthrough"):
            steps.append((name, step))
    return steps or [("", None)]


def _add_scaler(chain, name, scaler):
    """Append one step of a pipeline."""
    from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

    if type(scaler) not in (StandardScaler, MinMaxScaler, MaxAbsScaler):
        raise chain.refused(f"{name}, a {type(scaler).__name__},")
    if not hasattr(scaler, "scale_"):
        raise ValueError(f"model must be fitted, the {type(scaler).__name__} in it is not")
    if getattr(scaler, "clip", False):
        raise chain.refused(f"{name}, a {type(scaler).__name__} with clip=True,")
    if type(scaler) is MinMaxScaler:
        chain.scale(scaler.scale_, scaler.min_, name)
        return
    mean = scaler.mean_ if getattr(scaler, "with_mean", False) else 0.0
    chain.scale(*normalised(mean, 1.0 if scaler.scale_ is None else scaler.scale_), name)
