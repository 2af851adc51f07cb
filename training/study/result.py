"""What a perturb-then-train study found: its rows, and their summary per scale."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from geomcore.arrays import as_array, as_number
from geomcore.foreign.choices import as_choice
from geomcore.foreign.files import as_new_file
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import quoted
from geomcore.network import Network
from geomcore.typing import Array, ArrayLike, Booleans, LossName, NDArray, Path
from training.descent.train_result import wrapped
from training.study.basin import basin_of
from training.study.outcomes import RETURNED, outcomes, tally, undecided
from training.study.planning.defaults import PART
from training.study.proved import proved_returns
from training.study.records import Part, need_parquet
from training.study.records import Reference as Reference
from training.study.store import RESUMABLE, Store
from training.study.words import Summary, as_html, as_summary, in_brief
from training.typing import Loss

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

KEPT = ("kept", "kept_low", "kept_high")


@dataclass(frozen=True, eq=False)
class StudyResult:
    """What a study returns.

    Attributes
    ----------
    references : tuple of Reference
    seed : int
    columns : dict of ndarray, each of shape (number of trials,)
        One entry per trial: reference (its name), scale, trial, initial_loss (after the
        perturbation), final_loss, steps, stop_reason, accuracy, distance (from the reference, after
        training), pattern_returned (whether the activation pattern on the data is that of the
        reference), late_loss (after nine tenths of the steps; nan in files of schema 1 and 2).
    parts : tuple of Part
        Who wrote them, one after another.
    """

    references: tuple[Reference, ...]
    seed: int
    columns: dict[str, NDArray[Any]]
    parts: tuple[Part, ...] = ()

    def __repr__(self):
        return f"StudyResult({wrapped(in_brief(self))})"

    def _repr_html_(self):
        return as_html(self.frame("scale"), self.basins()) if len(self.outcome) else repr(self)

    @property
    def reference(self) -> Reference:
        """The only reference.

        Raises
        ------
        ValueError
            If there are several; then use `of`.
        """
        if len(self.references) > 1:
            names = ", ".join(ref.name for ref in self.references)
            raise ValueError(f"the study has several references ({names}), choose one by of(name)")
        return self.references[0]

    def of(self, name: str) -> StudyResult:
        """The part of the result about one reference, a `StudyResult`."""
        name = as_choice(name, [ref.name for ref in self.references], "name")
        found = [ref for ref in self.references if ref.name == name]
        at = self.columns["reference"] == name
        columns = {k: v[at] for k, v in self.columns.items()}
        return StudyResult(tuple(found), self.seed, columns, self.parts)

    @property
    def scales(self) -> Array:
        """The distinct scales in increasing order."""
        return np.unique(self.columns["scale"])

    @cached_property
    def outcome(self) -> NDArray[Any]:
        """What became of each trial, one word of `training.study.outcomes` for each.

        "stayed": never left, its loss is within the tolerance of that of the reference right
        after the perturbation and at the end. "returned": left, and is within it at the end.
        "falling": not back, and its loss is still falling. "stuck": not back, and it is not.
        "diverged": its loss is no number, or far above both its start and the best constant
        output. ("not returned": of a file of schema 1 or 2, which cannot say which.)
        """
        names = ("loss", "tolerance", "constant_loss", "relaxation")
        loss, tolerance, constant, relaxation = map(self._each, names)
        unknown = np.full(len(loss), np.nan)
        return outcomes(
            {"late_loss": unknown, **self.columns},
            loss=loss,
            tolerance=tolerance,
            constant=constant,
            relaxation=relaxation,
        )

    @property
    def returned(self) -> Booleans:
        """Whether each trial left and came back to the loss of its reference, bool."""
        return self.outcome == RETURNED

    @property
    def below(self) -> Booleans:
        """Whether each trial ended lower than its reference by more than the tolerance, bool."""
        return self.columns["final_loss"] < self._each("loss") - self._each("tolerance")

    @property
    def undecided(self) -> Booleans:
        """Of which trials the steps or the rate decided, see `training.study.outcomes`, bool."""
        return undecided(self.columns, self.outcome, self.below)

    @property
    def norms(self) -> Array:
        """Total norm of the perturbation of each trial."""
        return self.columns["scale"] * self._each("norm_per_scale")

    def _each(self, attribute):
        """An attribute of the reference of every trial, as an array."""
        values = {ref.name: getattr(ref, attribute) for ref in self.references}
        return np.array([values[name] for name in self.columns["reference"]], dtype=float)

    def losses(self, scale: float) -> Array:
        """Final losses of all trials at one scale; none at a scale that is not in the study."""
        scale = as_number(scale, "scale", 0)
        return self.columns["final_loss"][self.columns["scale"] == scale]

    def frame(self, per: Literal["trial", "scale"] = "trial") -> pd.DataFrame:
        """The results as a table.

        Parameters
        ----------
        per : {"trial", "scale"}, optional
            "trial": one row per trial with the columns of this object, and norm, outcome, returned
            and below. "scale": one row per reference and scale, with the columns reference, scale,
            norm (total norm of the perturbation), trials; stayed, left, returned, falling, stuck,
            diverged (numbers of trials, see `outcome`; the last four are those that left); fraction
            (of those that left, the part that returned; nan if none left), low and high (its 95 %
            Wilson interval); limited (whether steps or rate decide rather than the landscape: most
            of those not back were falling, diverged or ended above their start); untrained
            (fraction of the trials within the tolerance before any training), below (trials that
            ended lower than the reference), initial (median initial loss), q25, median, q75
            (quartiles of the final loss), accuracy (mean), pattern (fraction of the trials whose
            activation pattern returned), distance (median).

        Returns
        -------
        DataFrame

        Raises
        ------
        ValueError
            If `per` is something else.

        Notes
        -----
        Medians and quartiles are values of trials: of n values in increasing order, that of number
        :math:`\\lfloor q (n - 1) \\rfloor + 1` with q = 1/4, 1/2, 3/4. So the median of an even
        number of trials is the lower one of the two in the middle, and no value is made up between
        a finite loss and an infinite one.
        """
        import pandas as pd

        per = as_choice(per, ("trial", "scale"), "per")
        if per == "trial":
            more = {"norm": self.norms, "outcome": self.outcome}
            more |= {"returned": self.returned, "below": self.below}
            return pd.DataFrame({**self.columns, **more})
        return pd.DataFrame(
            [
                part._row(scale)
                for part in map(self.of, [ref.name for ref in self.references])
                for scale in part.scales.tolist()
            ]
        )

    def _row(self, scale):
        """The row of `frame` about one scale of the only reference."""
        at, reference = self.columns["scale"] == scale, self.reference
        columns = {name: values[at] for name, values in self.columns.items()}
        q25, median, q75 = _quantile(columns["final_loss"], [0.25, 0.5, 0.75])
        near = np.abs(columns["initial_loss"] - reference.loss) <= reference.tolerance
        return {
            "reference": reference.name,
            "scale": scale,
            "norm": scale * reference.norm_per_scale,
            "trials": int(at.sum()),
            **tally(self.outcome[at], self.undecided[at]),
            "untrained": near.mean(),
            "below": int(self.below[at].sum()),
            "initial": _quantile(columns["initial_loss"], 0.5),
            "q25": q25,
            "median": median,
            "q75": q75,
            "accuracy": columns["accuracy"].mean(),
            "pattern": columns["pattern_returned"].mean(),
            "distance": _quantile(columns["distance"], 0.5),
        }

    def summary(self) -> str:
        """A few lines for a reader: per reference and scale what became of the trials.

        The median is that of `frame`.

        Returns
        -------
        str
            (Until it became a text this was ``frame("scale")``; its columns are still found under
            their names, with a DeprecationWarning.)
        """
        frame = self.frame("scale")
        return Summary(as_summary(frame, self.basins()), frame)

    def histogram(self, edges: ArrayLike | None = None) -> pd.DataFrame:
        """Numbers of trials by final loss, as a pandas DataFrame.

        Parameters
        ----------
        edges : array_like, shape (k + 1,), optional
            Increasing; default half decades from 1e-20 to 1e4. What is below
            the first or above the last has bins of its own, from 0 and to inf.

        Returns
        -------
        DataFrame
            One row per reference, scale and bin, low <= final loss < high; inf
            counts into the last.
        """
        import pandas as pd

        edges = 10.0 ** np.arange(-20, 4.5, 0.5) if edges is None else as_array(edges, "edges", 1)
        if (np.diff(edges) <= 0).any():
            raise ValueError(f"edges must be increasing, got {quoted(edges.tolist())}")
        low, high = np.r_[0.0, edges], np.r_[edges, np.inf]
        blocks = []
        for part in map(self.of, [ref.name for ref in self.references]):
            for scale in part.scales:
                bins = np.searchsorted(edges, part.losses(scale), side="right")
                counts = np.bincount(bins, minlength=len(low))
                head = {"reference": part.reference.name, "scale": scale}
                blocks.append(pd.DataFrame({**head, "low": low, "high": high, "trials": counts}))
        return pd.concat(blocks, ignore_index=True)

    def basins(self) -> pd.DataFrame:
        """The basin radius of each reference, as a pandas DataFrame.

        Columns: reference, radius, low and high (the scale at which half of the trials that left
        return, with its 95 % bootstrap interval; see `return_radius`), norm, norm_low, norm_high
        (the same as total norms), certified (the total norm up to which return is proved; nan if it
        is not known), least and most (the smallest and the largest scale at which any trial left),
        kept, kept_low and kept_high (the scale at which half of all trials, returned or never left,
        end within the tolerance), reason (why there is no radius, which then is nan: no trial left,
        or steps or rate decided where it would lie; else "").
        """
        import pandas as pd

        rows = []
        for part in map(self.of, [ref.name for ref in self.references]):
            unit, certified = part.reference.norm_per_scale, part.reference.certified_radius
            found = basin_of(part, rng=self.seed)
            rows.append(
                {
                    "reference": part.reference.name,
                    **{name: found[name] for name in ("radius", "low", "high")},
                    "norm": found["radius"] * unit,
                    "norm_low": found["low"] * unit,
                    "norm_high": found["high"] * unit,
                    "certified": np.nan if certified is None else certified,
                    **{name: found[name] for name in ("least", "most", *KEPT, "reason")},
                }
            )
        return pd.DataFrame(rows)

    def proved(
        self,
        net: Network | Mapping[str, Network],
        X: ArrayLike,
        y: ArrayLike,
        *,
        targets: ArrayLike | None = None,
        loss: LossName | Loss = "mse",
        batch_size: int | None = None,
    ) -> pd.DataFrame:
        """What is proved of the way back to each reference, by gradient flow and by descent.

        A pandas DataFrame at the rate of the study; arguments and columns are those of
        `training.study.proved.proved_returns`.
        """
        return proved_returns(self, net, X, y, targets=targets, loss=loss, batch_size=batch_size)

    def export(self, path: Path) -> None:
        """Write the trials, as `frame` gives them, to a CSV or Parquet file.

        Parameters
        ----------
        path : path-like
            Ending in .csv (every float to its last bit) or .parquet.

        Raises
        ------
        ValueError
            If the name ends otherwise, or its folder is not there.
        ImportError
            If pyarrow, which Parquet needs, is not installed.
        """
        path = as_new_file(path)
        suffix = path.suffix.lower()
        if suffix == ".csv":
            self.frame().to_csv(path, index=False)
        elif suffix == ".parquet":
            need_parquet()
            self.frame().to_parquet(path, engine="pyarrow", index=False)
        else:
            raise ValueError(f"path must end in .csv or .parquet, got {path}")

    def plot(self) -> Figure:
        """Draw return fraction, final loss and accuracy against the size of the perturbation.

        Returns
        -------
        matplotlib Figure
        """
        from training.study import plot as plot_study

        return plot_study.figure_of_comparison(self)


@answers_keywords
def load_study(path: Path) -> StudyResult:
    """Read the file of a study, finished or not.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    StudyResult
        With the trials that are stored so far.

    Raises
    ------
    ValueError
        If the file is no study or holds no trial yet.
    OSError
        If there is no such file, or it cannot be read.

    Notes
    -----
    The study may be running: the trials are those that were stored when the reading began. Nothing
    is changed, and no file is left behind, so that a finished study is read from where nothing can
    be written, or from a full disk. See `training.output.connection` about network file systems.
    """
    with Store.open(path, None, writing=False) as store:
        configuration, result = store.configuration, result_of(store)
        if store.schema < RESUMABLE and len(result.references) > 1 and store.sessions() > 1:
            warnings.warn(
                f"{path} was resumed by an older geomcore: if its networks were then given in "
                "another order, trials may stand under the name of another reference",
                stacklevel=2,
            )
    if not len(result.columns["trial"]):
        raise ValueError(f"{path} holds no trial of its {configuration['trials']} per scale yet")
    return result


def result_of(store):
    """The `StudyResult` of what is in an open store."""
    configuration, columns = store.configuration, store.columns()
    store.check_keys(columns)
    found = store.references()
    if "tolerance" in configuration and configuration["tolerance"] is None:
        # Then the tolerance, which older files hold, too, is a part of it.
        found = [{**ref, "constant_loss": ref["tolerance"] / PART} for ref in found]
    references = tuple(Reference(**ref) for ref in found)
    names = np.array([ref.name for ref in references], dtype=object)
    columns["reference"] = names[columns["reference"]]
    columns["scale"] = np.array(configuration["scales"])[columns["scale"]]
    return StudyResult(references, configuration["seed"], columns, tuple(store.parts()))


def _quantile(values, q):
    # Order statistics rather than interpolation, which makes nan of two infinities.
    return np.quantile(values, q, method="lower")
