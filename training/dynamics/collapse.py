"""Neural collapse of a ReLU network, layer by layer: of what it computes, and of truncated data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from geomcore.display.lines import listed, told_in_brief
from geomcore.foreign.keywords import answers_keywords
from geomcore.truncation import padded, step_defect, truncation_steps
from geomcore.typing import ArrayLike, LossName
from training.descent.losses import as_loss, offset_of, predicted
from training.dynamics.classes import as_classes
from training.dynamics.measures import CollapseMeasures, collapse_measures
from training.dynamics.numbers import to_size_one

if TYPE_CHECKING:
    import pandas as pd

    from geomcore.network import ReLUNetwork
    from training.typing import Loss

# Columns of a summary, of which the measures have these names.
SHOWN = ("nc1", "nc2_norms", "nc2_angles", "nc2_simplex", "nc3", "nc4")


@told_in_brief
class LayerCollapse(NamedTuple):
    """The measures of one layer, in one space; see `neural_collapse`.

    Attributes
    ----------
    layer : int
        0 for the data, then the number of the hidden layer.
    space : str
        "data", "hidden" (what the layer puts out) or "truncated" (the data after the truncation
        maps up to the layer).
    measures : CollapseMeasures
    width, rank : int
        Units of the layer, and rank of its cumulative weights; of the data, their dimension.
    defect : float
        How far the truncated data are from representing the layer; 0 for the data.
    """

    layer: int
    space: str
    measures: CollapseMeasures
    width: int
    rank: int
    defect: float


@dataclass(frozen=True, eq=False)
class NeuralCollapse:
    """What `neural_collapse` returns.

    Attributes
    ----------
    rows : tuple of LayerCollapse
        The data first; then, for each hidden layer, its output and the truncated data.
    classes : int
        Number Q of classes.
    """

    rows: tuple[LayerCollapse, ...]
    classes: int

    def __repr__(self):
        last = self.rows[-2:][0].measures
        return listed(self, {"classes": self.classes, "rows": len(self.rows), **last._asdict()})

    @property
    def hidden(self) -> list[LayerCollapse]:
        """The rows of the outputs of the hidden layers, layer 1 first."""
        return [row for row in self.rows if row.space == "hidden"]

    @property
    def truncated(self) -> list[LayerCollapse]:
        """The rows of the truncated data, layer 1 first."""
        return [row for row in self.rows if row.space == "truncated"]

    def frame(self) -> pd.DataFrame:
        """The rows as a `pandas.DataFrame`: layer, space, nc1, ..., width, rank, defect."""
        import pandas as pd

        return pd.DataFrame(
            {"layer": row.layer, "space": row.space}
            | row.measures._asdict()
            | {"width": row.width, "rank": row.rank, "defect": row.defect}
            for row in self.rows
        )

    def summary(self) -> str:
        """A table for people, a line for each row, and which layers are rank-deficient."""
        lines = [f"{'layer':<13}" + "".join(f"{name:>12}" for name in SHOWN)]
        for row in self.rows:
            values = [getattr(row.measures, name) for name in SHOWN]
            told = "".join(f"{value:>12.3g}" for value in values)
            lines.append(f"{row.layer} {row.space:<11}{told}")
        deficient = [row for row in self.truncated if row.rank < row.width]
        lines += [
            f"layer {row.layer} has rank {row.rank} of {row.width}: its truncated data miss what "
            f"it puts out by up to {row.defect:.2g}"
            for row in deficient
        ]
        return "\n".join(lines)


@answers_keywords
@np.errstate(over="ignore", invalid="ignore")
def neural_collapse(
    net: ReLUNetwork,
    X: ArrayLike,
    y: ArrayLike,
    *,
    loss: LossName | Loss = "mse",
    targets: ArrayLike | None = None,
    rtol: float | None = None,
) -> NeuralCollapse:
    r"""Measure neural collapse in every layer: NC1 to NC4 of [1]_.

    For points :math:`h_{c,i}` of Q classes, with class means :math:`\mu_c`, their
    average :math:`\mu`, and :math:`m_c = \mu_c - \mu`,

    .. math:: \Sigma_B = \tfrac1Q \sum_c m_c m_c^T, \qquad
              \Sigma_W = \tfrac1Q \sum_c \tfrac1{N_c} \sum_i
                         (h_{c,i} - \mu_c)(h_{c,i} - \mu_c)^T,

    so that each class counts the same however many points it has:

    - NC1, variability: :math:`\mathrm{tr}(\Sigma_W \Sigma_B^+) / Q`;
    - NC2, equal norms: :math:`\mathrm{std}_c |m_c| / \mathrm{avg}_c |m_c|`; equal angles:
      std of :math:`\cos(m_c, m_{c'})` over pairs; simplex: average of
      :math:`|\cos(m_c, m_{c'}) + 1/(Q-1)|`;
    - NC3, self-duality: :math:`\| A / \|A\|_F - M / \|M\|_F \|_F^2`, the rows of M being
      the :math:`m_c` and those of A the vectors of the classifier;
    - NC4: the fraction of points for which the class that the network chooses has not
      the nearest mean.

    All are 0 in a collapsed network. They are computed of the data, of the outputs
    :math:`x^{(\ell)}` of the hidden layers, and of the truncated data
    :math:`x^{(\tau,\ell)}` (`geomcore.truncate`).

    Parameters
    ----------
    net : ReLUNetwork
        Of widths (d_0, ..., d_L).
    X : array_like, shape (N, d_0)
    y : array_like, shape (N,) or (N, k)
        Labels, or target vectors, whose distinct rows are the classes.
    loss : str or loss object
        Which of the outputs fits an answer of the network; see `training.train`.
    targets : array_like, shape (Q, k), optional
        Output wanted for each label in sorted order; default one-hot rows, or 0 and 1 for
        a network with one output, two labels and binary cross-entropy.
    rtol : float, optional
        A singular value of cumulative weights counts as zero below ``rtol`` times the
        largest one; see `geomcore.truncation_map`.

    Returns
    -------
    NeuralCollapse

    Raises
    ------
    ValueError
        If `net` is no ReLU network, the data do not fit it (of a network with one output the
        `targets` must be told), or what it computes is larger than any float.

    See Also
    --------
    geomcore.truncation_defects : whether truncated data represent the network.

    Notes
    -----
    Classifier: for the last hidden layer the last weights, as in [1]_, where targets are
    one-hot; for other targets the row of class c is the combination :math:`(t_c - \bar t)^T
    W_L` of these weights. For layers before the last hidden one the affine parts of
    the layers between are composed, as if all their units were active; for truncated data
    it is the cumulative :math:`W^{(L)}`.

    Scaling, moving and rotating all points of a layer changes none of NC1, NC2 and NC4; NC3 is
    invariant if the classifier turns with them.

    Degenerate cases. Where all class means coincide to rounding (a layer that is dead, one class)
    all is nan but ``between_rank``, which is 0. NC1 and ``scatter`` are nan if no class has two
    points. A mean in the centre of all has no direction: the two angles of NC2 are nan. Where
    some means coincide, or lie in a common plane, ``between_rank`` is below Q - 1: NC1, as
    defined, says nothing of the directions that are missing, ``scatter`` does. Two classes
    always have equal norms and the angle :math:`\pi`. Points that are as near to two means, to
    rounding, agree with both. In a rank-deficient layer truncated data are not what the network
    computes; its defect says how far they are from it. If the first layer widens, the
    truncated data live in the padded space (`geomcore.truncate`).

    References
    ----------
    .. [1] V. Papyan, X. Y. Han, D. L. Donoho, "Prevalence of neural collapse during the
       terminal phase of deep learning training", PNAS 117 (2020), 24652-24663,
       arXiv:2008.08186.

    Examples
    --------
    A layer that collapses each class to one point, in an equilateral triangle:

    >>> from geomcore import ReLUNetwork
    >>> net = ReLUNetwork([np.eye(3), np.eye(3)], [[-1, -1, -1], [0, 0, 0]])
    >>> X = [[2, 0, 0], [2, 1, 0], [0, 2, 0], [0, 2, 1], [0, 0, 2], [1, 0, 2]]
    >>> found = neural_collapse(net, X, [0, 0, 1, 1, 2, 2])
    >>> for row in found.rows[:2]:
    ...     print(row.space, round(row.measures.nc1, 3), round(row.measures.nc2_simplex, 3))
    data 0.051 0.0
    hidden 0.0 0.0
    """
    loss = as_loss(loss)
    X, labels = as_classes(net, X, y, loss=loss, targets=targets)
    Q = len(labels.targets)
    outputs = net(X)
    # An infinite output of a hidden layer leaves no output of the network finite.
    if not np.isfinite(outputs).all():
        raise ValueError("net must put out finite numbers at X, it overflows")
    chosen = predicted(outputs, labels.targets, offset_of(loss, labels.targets))
    composed = _composed(padded(net, X)[0].weights)[0]
    of_layers = _composed(net.weights)

    def measured(points, weights):
        if not np.isfinite(points).all():
            raise ValueError("net must have finite truncated data at X, they overflow")
        classifier = _classifier(labels.targets, weights)
        return collapse_measures(points, labels.index, Q, classifier=classifier, chosen=chosen)

    d = X.shape[1]
    rows = [LayerCollapse(0, "data", measured(X, of_layers[0]), d, d, 0.0)]
    for step in truncation_steps(net, X, rtol=rtol):
        if step.layer == len(net.weights):
            break
        about = (len(step.W), step.rank, step_defect(step).defect)
        hidden = measured(step.output, of_layers[step.layer])
        rows.append(LayerCollapse(step.layer, "hidden", hidden, *about))
        truncated = measured(step.truncated, composed)
        rows.append(LayerCollapse(step.layer, "truncated", truncated, *about))
    return NeuralCollapse(tuple(rows), Q)


def _composed(weights):
    """For each layer the product of all weights after it, up to scale; the input is layer 0."""
    found = [to_size_one(weights[-1])[0]]
    for W in reversed(weights[:-1]):
        # NC3 does not see the scale, and without it no product vanishes or overflows.
        found.append(to_size_one(found[-1] @ to_size_one(W)[0])[0])
    return found[::-1]


def _classifier(targets, weights):
    """A row for each class: the last weights, or what other targets than one-hot make of them."""
    Q, k = targets.shape
    if Q == k and (targets == np.eye(Q)).all():
        return weights
    return (targets - targets.mean(axis=0)) @ weights
