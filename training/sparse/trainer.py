"""`train_sparse`: a sparse autoencoder from data."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from geomcore.arrays import as_count, as_number, as_points, as_positive, as_rng
from geomcore.foreign.choices import as_choice, as_flag
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import quoted
from geomcore.parameters import selected
from geomcore.typing import ArrayLike, Seed
from training.descent.optimizers import Adam
from training.descent.penalties import as_terms
from training.sparse.autoencoder import INTERACTIONS, SparseAutoencoder
from training.sparse.descent import FOLLOW, LARGEST_NORM, Run
from training.sparse.gradient import Form
from training.sparse.treatments import TREATMENTS, InverseSquares, stays_allowed

if TYPE_CHECKING:
    from training.sparse.result import SparseResult
    from training.typing import Constraint, DecoderBias, Interaction, Optimizer, Penalty, Treatment

BIASES = ("mean", "zero", "none")
# Difference of a G from that of the dictionary, relative to it, that is rounding of float32.
SAME_G = 1e-4


@answers_keywords
def train_sparse(
    X: ArrayLike,
    units: int,
    *,
    penalty: float,
    treatment: Treatment = "columns",
    keep_map: bool = False,
    tied: bool = False,
    loop: int = 0,
    gamma: float | Literal["follow"] | None = None,
    interaction: Interaction = "dictionary",
    alpha: float = 0.01,
    decoder_bias: DecoderBias = "mean",
    steps: int = 2000,
    batch_size: int = 256,
    optimizer: Optimizer | None = None,
    penalties: Penalty | Sequence[Penalty] = (),
    constraints: Constraint | Sequence[Constraint] = (),
    start: SparseAutoencoder | None = None,
    rng: Seed = None,
) -> SparseResult:
    r"""Train a sparse autoencoder by mini-batches.

    .. math:: \tfrac{1}{N} \sum_x \Big( \tfrac12 |x - \hat x|^2 + \lambda \sum_i c_i z_i \Big)
              + \alpha \sum_i 1 / |w_i|^2, \qquad \hat x = W_d z + b_d

    with units z and reconstructions of a `SparseAutoencoder`, :math:`c_i = |d_i|` for the treatment
    "weighted", else 1, and the last sum for "inverse" only.

    Parameters
    ----------
    X : array_like, shape (N, d)
        At least one point; float32 is trained in float32, all else in float64.
    units : int
        Units m.
    penalty : float
        :math:`\lambda \ge 0`.
    treatment : {"columns", "inverse", "weighted", "free"}
        What is done about the norms of the columns :math:`d_i` of the dictionary. "columns": they
        are made unit vectors after each step, see `keep_map`. "inverse": the penalty on the rows
        of the encoder. "weighted": activations cost the norms of their columns. "free": nothing.
    keep_map : bool
        Whether "columns", where it makes columns unit vectors, multiplies the encoder's rows and
        biases by the norms that they had, so that the map stays what it was. Only without a loop
        or with a learned G, and with an encoder of its own. By default the columns alone change.
    tied : bool
        Whether :math:`W_e = W_d^T`.
    loop : int
        Steps of explaining away between encoder and dictionary; see
        `geomcore.layers.ExplainingAway`.
    gamma : float or "follow", optional
        Their size. Default :math:`1 / \max(1, \|W_d\|^2)` of the start, half of what is stable
        there. With "follow" it is that of the dictionary as it changes, through which no gradient
        passes.
    interaction : {"dictionary", "detached", "learned"}
        G of the loop: :math:`W_d^T W_d - I` with gradients through it, the same without, or a
        tensor of its own that starts there.
    alpha : float
        For "inverse".
    decoder_bias : {"mean", "zero", "none"}
        Where the bias of the dictionary starts, at the mean of `X` or at 0, or that it stays 0.
        The encoder's bias starts at :math:`-W_e b_d`.
    steps, batch_size : int
        Steps, and points in each, reshuffled every epoch.
    optimizer : SGD, Adam or object as in `training.descent.optimizers`
        Default ``Adam(0.001)``.
    penalties, constraints : optional
        Objects of `training.descent.penalties` and `training.descent.constraints`, on the tensors
        "W_e", "b_e", "W_d", "b_d" and "G", those that are trained; tied weights are "W_d". The
        value of such a penalty is no part of the loss that is recorded. Constraints act before
        columns are made unit vectors, and are refused if they need not hold after that.
    start : SparseAutoencoder, optional
        Where to start; default random unit columns, the encoder their transpose. Its tensors are
        taken, and G where the interaction is learned; where a loop has another G than the run
        would give it, it is refused. Its number of steps and their size are not taken: those of
        the run are `loop` and `gamma`.
    rng : Generator or seed, optional
        For the start and the shuffles.

    Returns
    -------
    SparseResult
        If it diverged or ended above its start, there is one warning. The summary also says if
        the loop has a step size at which it need not settle.

    Raises
    ------
    ValueError
        If an argument does not fit.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = np.abs(rng.normal(size=(500, 1))) * np.eye(4)[rng.integers(4, size=500)]
    >>> result = train_sparse(X, 8, penalty=0.1, steps=300, rng=0)
    >>> bool(result.history.loss[-1] < 0.5 * result.history.loss[0]), result.stop_reason
    (True, 'step budget')
    """
    X = as_points(X)
    if not X.size:
        raise ValueError(f"X must hold at least one point and one column, got shape {X.shape}")
    rng = as_rng(rng)
    treatment = as_choice(treatment, TREATMENTS, "treatment")
    form = Form(
        d=X.shape[1],
        m=as_count(units, "units"),
        tied=as_flag(tied, "tied"),
        loop=as_count(loop, "loop", least=0),
        interaction=as_choice(interaction, INTERACTIONS, "interaction"),
        biased=as_choice(decoder_bias, BIASES, "decoder_bias") != "none",
        penalty=as_number(penalty, "penalty", least=0),
        weighted=treatment == "weighted",
    )
    keep_map = as_flag(keep_map, "keep_map")
    if keep_map and (form.tied or (form.loop and not form.learns)):
        raise ValueError(
            "keep_map must be False for tied weights and where G follows the dictionary, since "
            "their maps change with the norms, got True"
        )
    if gamma is not None and not (isinstance(gamma, str) and gamma == FOLLOW):
        gamma = as_positive(gamma, "gamma")
    if form.learns and gamma == FOLLOW:
        raise ValueError("gamma must be a number or None where G is learned, got 'follow'")
    terms = as_terms(penalties, "penalties", ("tensors", "gradient"))
    held = _placed(as_terms(constraints, "constraints", ("tensors", "project")), form)
    if treatment == "columns":
        _check_constraints(held, form, keep_map)
    inverse = InverseSquares(as_positive(alpha, "alpha"))
    optimizer = Adam() if optimizer is None else optimizer
    if isinstance(optimizer, type) or not all(hasattr(optimizer, p) for p in ("start", "update")):
        raise ValueError(
            f"optimizer must be SGD(0.01), Adam(0.001) or such, got {quoted(optimizer)}"
        )
    run = Run(
        X,
        form,
        _started(
            X,
            form,
            start,
            decoder_bias,
            rng,
            measures=gamma in (None, FOLLOW) and treatment != "columns",
        ),
        gamma=gamma,
        size=min(as_count(batch_size, "batch_size"), len(X)),
        treatment=treatment,
        keep_map=keep_map,
        inverse=inverse if treatment == "inverse" else None,
        penalties=_placed(terms, form),
        constraints=held,
    )
    result = run.descend(optimizer, as_count(steps, "steps", least=0), rng)
    if result.diverged or result.ended_above:
        told = "overflowed" if result.diverged else "ended above its start"
        warnings.warn(
            f"training {told}, give it a smaller learning rate or step size of the loop: "
            f"{result.summary()}",
            stacklevel=3,
        )
    return result


def _placed(terms, form):
    """Pairs of a term and the names of the tensors that it is meant for."""
    names = [name for name in ("W_e", "b_e", "W_d", "b_d", "G") if name in _trained(form)]
    return [(term, [names[i] for i in selected(names, term.tensors)]) for term in terms]


def _trained(form):
    """Public names of the tensors that are trained."""
    return {"W_d" if name == "atoms" else name for name in form.shapes}


def _check_constraints(held, form, keep_map):
    """Raise unless all of them still hold after the columns were made unit vectors."""
    moved = {"W_d": True} | (dict.fromkeys(("W_e", "b_e", "G"), False) if keep_map else {})
    shapes = form.shapes | {"W_d": (form.d, form.m)}
    for term, names in held:
        for name in names:
            if name in moved and not stays_allowed(
                term.project, shapes[name], is_dictionary=moved[name]
            ):
                raise ValueError(
                    f"constraints on {name} must allow what treatment='columns' does after them "
                    f"(NonNegative does), got {quoted(term)}; name other tensors, or choose "
                    f"another treatment"
                )


def _started(X, form, start, decoder_bias, rng, *, measures):
    """All tensors at the start, as one vector."""
    vector = np.zeros(form.size, X.dtype)
    tensors = form.views(vector)
    if start is not None:
        _check_start(start, form)
        parts = {"atoms": start.W_d.T, "W_e": start.W_e, "b_e": start.b_e, "b_d": start.b_d}
        parts["G"] = start.G
        norm = np.linalg.norm(start.W_d, 2)
        if form.loop and measures and norm > LARGEST_NORM:
            raise ValueError(
                f"start must have a dictionary whose norm has a finite square, got {norm:.3g}; "
                f"or give the step size as gamma"
            )
        for name in form.shapes:
            tensors[name][:] = parts[name]
        return vector
    atoms = rng.normal(size=(form.m, form.d))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    tensors["atoms"][:] = tensors["W_e"][:] = atoms
    if decoder_bias == "mean":
        # Weights before sums, which might overflow.
        mean = np.full(len(X), 1 / len(X)) @ X
        tensors["b_d"][:], tensors["b_e"][:] = mean, -atoms @ mean
    if form.learns:
        tensors["G"][:] = atoms @ atoms.T - np.eye(form.m)
    return vector


def _check_start(start, form):
    """Raise unless a run of this form may start there."""
    if not isinstance(start, SparseAutoencoder):
        raise ValueError(f"start must be a SparseAutoencoder, got {quoted(start)}")
    if start.W_d.shape != (form.d, form.m):
        raise ValueError(
            f"start must have a dictionary of shape {(form.d, form.m)}, got {start.W_d.shape}"
        )
    if form.tied and not np.array_equal(start.W_e, start.W_d.T):
        raise ValueError(f"start must have tied weights, as the run has, got {start!r}")
    if not form.biased and start.b_d.any():
        raise ValueError(f"start must have b_d = 0, as the run has none, got {quoted(start.b_d)}")
    if form.loop and not form.learns:
        with np.errstate(over="ignore", invalid="ignore"):
            own = start.W_d.T @ start.W_d - np.eye(form.m)
            apart = np.abs(start.G - own).max()
        if apart > SAME_G * max(1.0, np.abs(own).max()):
            raise ValueError(
                f"start must have G = W_d' W_d - I, as the run has (interaction='learned' takes "
                f"another one), got one that is {apart:.3g} from it"
            )
