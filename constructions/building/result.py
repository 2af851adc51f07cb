"""What a construction gives back: the network, its layers in data coordinates, a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from constructions.proof.exact import EPS
from geomcore.cumulative import cumulative_parameters
from geomcore.display.lines import folded, listed, told_in_brief
from geomcore.display.page import page
from geomcore.foreign.wording import named
from geomcore.network import ReLUNetwork
from geomcore.threads import factorizing
from geomcore.typing import Array

if TYPE_CHECKING:
    import pandas as pd


class ConstructionError(ValueError):
    """No construction applies; the message says why, method by method.

    Attributes
    ----------
    reasons : dict
        For each method that was tried, why it does not apply.
    certificates : dict
        For each class that cannot be separated from the other remaining ones,
        the `HullCertificate` that proves it.
    """

    def __init__(
        self, reasons: Mapping[str, str], certificates: Mapping[Any, Any] | None = None
    ) -> None:
        self.reasons = dict(reasons)
        self.certificates = dict(certificates or {})
        super().__init__("; ".join(f"{m} does not apply: {why}" for m, why in reasons.items()))


@told_in_brief
class LayerRecord(NamedTuple):
    """One hidden layer of a construction, in the coordinates of the data.

    Attributes
    ----------
    index : int
        1 for the first hidden layer.
    kind : str
        "circular cone", "spread cone", "faces", or "rest" for a layer that moves nothing.
    label : object
        The class that the layer collapses.
    W, b : ndarray, shapes (m, d), (m,)
        Cumulative parameters.
    base : ndarray, shape (d,)
        The point -W^+ b that the class goes to; not finite if it is beyond all floats.
    margin : float
        Smallest absolute pre-activation on the data over the Frobenius norm of (W_l, b_l).
    condition : float
        Condition number of the cumulative W.
    """

    index: int  # type: ignore[assignment]
    kind: str
    label: Any
    W: Array
    b: Array
    base: Array
    margin: float
    condition: float


@dataclass(frozen=True, eq=False)
class Construction:
    """Answer of `construct`.

    Attributes
    ----------
    network : ReLUNetwork
    method : str
    layers : tuple of LayerRecord
        One for each hidden layer; none for "two-layer", whose units collapse no classes.
    classes : list
        Labels in sorted order; output i of the network belongs to label i
        unless other targets were asked for.
    targets : ndarray, shape (Q, k)
    order : list
        Labels in the order in which the layers collapse them, if they do.
    report : dict
        Numbers and strings only: ``skipped`` (why earlier methods do not apply),
        ``hypotheses``, ``margins``, ``parameters`` and what else the method has to say.
    """

    network: ReLUNetwork
    method: str
    layers: tuple[LayerRecord, ...]
    classes: list[Any]
    targets: Array
    order: list[Any]
    report: dict[str, Any]

    def __repr__(self):
        values = {
            "method": self.method,
            "widths": self.network.widths,
            "classes": self.classes,
            "loss": self.report.get("loss"),
        }
        return listed(self, values)

    _repr_html_ = page

    def frame(self) -> pd.DataFrame:
        """The hidden layers as a table.

        Returns
        -------
        pandas.DataFrame
            One row per hidden layer, numbered from 1: kind, label, width, margin, condition.
        """
        from pandas import DataFrame, RangeIndex

        rows = [(r.kind, r.label, len(r.b), r.margin, r.condition) for r in self.layers]
        columns = ["kind", "label", "width", "margin", "condition"]
        return DataFrame(rows, RangeIndex(1, len(rows) + 1, name="layer"), columns)

    def summary(self) -> str:
        """A few lines for a reader."""
        return folded(self._lines())

    def _lines(self):
        lines = [
            f"method      {self.method}",
            f"widths      {' - '.join(map(str, self.network.widths))}",
            f"parameters  {self.network.parameter_count}",
        ]
        lines += [
            f"  layer {r.index}: {r.kind} collapses class {named(r.label)}, "
            f"margin {r.margin:.2g}, condition {r.condition:.2g}"
            for r in self.layers
        ]
        lines += [f"  {line}" for line in self.report.get("hypotheses", [])]
        lines += [f"  not {m}: {why}" for m, why in self.report["skipped"].items()]
        return lines


def _relative_margin(pre, W, b):
    """Smallest |pre-activation| over the length of (W, b), whose squares may be out of range."""
    size = max(np.abs(W).max(), np.abs(b).max()) or 1.0
    length = np.hypot(np.linalg.norm(W / size), np.linalg.norm(b / size))
    return float(np.abs(pre).min() / size / length)


def describe(net, method, kinds, order, X, labels, report):
    """The `Construction` of a network whose layers collapse the given classes.

    Parameters
    ----------
    net : ReLUNetwork
    method : str
    kinds : list of str
        One for each hidden layer.
    order : list of int
        The class each hidden layer collapses.
    X : ndarray, shape (N, d)
    labels : Labels
    report : dict
        What the method has to say.

    Returns
    -------
    Construction
    """
    Ws, bs = cumulative_parameters(net)
    records, x = [], X
    for i, (kind, q) in enumerate(zip(kinds, order, strict=True)):
        W, b = net.weights[i], net.biases[i]
        pre = x @ W.T + b
        x = np.maximum(pre, 0)
        with factorizing(Ws[i]):
            U, singular, Vt = np.linalg.svd(Ws[i], full_matrices=False)
        rank = np.count_nonzero(singular > max(Ws[i].shape) * EPS * singular[0])
        with np.errstate(over="ignore", invalid="ignore"):
            base = -Vt[:rank].T @ (U[:, :rank].T @ bs[i] / singular[:rank])
        records.append(
            LayerRecord(
                index=i + 1,
                kind=kind,
                label=labels.classes.tolist()[q],
                W=Ws[i],
                b=bs[i],
                base=base,
                margin=_relative_margin(pre, W, b),
                condition=float(singular[0] / singular[-1]) if rank == len(singular) else np.inf,
            )
        )
    return Construction(
        network=net,
        method=method,
        layers=tuple(records),
        classes=labels.classes.tolist(),
        targets=labels.targets,
        order=[labels.classes.tolist()[q] for q in order],
        report={
            "skipped": {},
            "parameters": net.parameter_count,
            "loss": float(((net(X) - labels.Y) ** 2).sum(axis=1).mean()),
            **report,
        },
    )
