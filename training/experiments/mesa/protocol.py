"""How the networks of the mesa experiments are made and trained, as in the two sources.

Both train Linear(d, 32), ReLU, head, ReLU, Linear(1, 1) on the binary cross-entropy of logits, with
Adam. The first source compares heads; the second one penalises negative weights, and trains the
penalised networks by another loop than the others. Here one loop trains all.
"""

from typing import NamedTuple

from geomcore.display.lines import told_in_brief
from training.descent.constraints import NonNegative
from training.descent.penalties import L1, NegativePart, SmoothL0

FACES, WIDTH, BOX = 6, 32, 1.5
TRAIN, TEST = 2000, 500
RATE = 1e-3
HEAD = ("W2",)  # the tensor that penalties and constraints act on
LP, LINEAR = "lp", "linear"
# Where head weights start: U(-1, 1)/sqrt(32) with such a bias, or as those of LpNorm, U(0.1, 1)
# with bias 0.
SIGNED, POSITIVE = "signed", "positive"
STRENGTHS = (0.1, 0.5, 1.0)
WIDTH_OF_ZERO = 0.1  # head weights much below it count as zero for the smooth L0
SPARSE = 0.01  # strength of the penalties that do not look at signs


@told_in_brief
class Model(NamedTuple):
    """A head, where it starts, and what is done to its weights.

    Attributes
    ----------
    key, name : str
        For the command line and tables; for people.
    head : {"lp", "linear"}
    p : float or None
        Of an Lp head; where it starts, if it is learned.
    is_learned : bool
        Whether the order is trained, too.
    start : {"signed", "positive"}
    penalties, constraints : tuple
        As `training.train` takes them.
    """

    key: str
    name: str
    head: str = LINEAR
    p: float | None = None
    is_learned: bool = False
    start: str = SIGNED
    penalties: tuple = ()
    constraints: tuple = ()


@told_in_brief
class Protocol(NamedTuple):
    """A loop of training, and what is trained by it unless something else is asked for.

    Attributes
    ----------
    name : str
        Of the command.
    batch : int
    drop_last : bool
        Whether a partial batch is dropped.
    clip : float or None
        Largest norm of a gradient.
    epochs : int
    level, patience : float or None, int
        Stop after so many epochs in a row of this accuracy on the training points.
    models : tuple of str
    """

    name: str
    batch: int
    drop_last: bool
    clip: float | None
    epochs: int
    level: float | None
    patience: int
    models: tuple


def _penalised(strength):
    return Model(
        f"negative-{strength:g}",
        f"Linear, λ = {strength:g}",
        penalties=(NegativePart(strength, HEAD),),
    )


MODELS = {
    model.key: model
    for model in (
        Model("lp", "Lp, p = 1", LP, 1.0, start=POSITIVE),
        Model("lp-2", "Lp, p = 2", LP, 2.0, start=POSITIVE),
        Model("lp-learned", "Lp, p learned", LP, 2.0, is_learned=True, start=POSITIVE),
        Model("linear", "Linear"),
        Model("linear-positive", "Linear, started as Lp", start=POSITIVE),
        *map(_penalised, STRENGTHS),
        Model("hard", "Linear, w ≥ 0", constraints=(NonNegative(HEAD),)),
        Model("l1", f"Linear, L1 {SPARSE:g}", penalties=(L1(SPARSE, HEAD),)),
        Model("l0", f"Linear, L0 {SPARSE:g}", penalties=(SmoothL0(SPARSE, HEAD, WIDTH_OF_ZERO),)),
    )
}
# Made of a trained network: the same one with negative head weights negated, and their hyperplanes.
FLIPPED = Model("flipped", "Linear, flipped")


def trained_as(model):
    """The model whose training a network comes from: Linear for the flipped one."""
    return LINEAR if model == FLIPPED.key else model


MESA = Protocol(
    name="mesa",
    batch=128,
    drop_last=True,
    clip=1.0,
    epochs=200,
    level=None,
    patience=0,
    models=("lp", "lp-2", "lp-learned", "linear", "linear-positive", "l1"),
)
NONNEG = Protocol(
    name="nonneg",
    batch=256,
    drop_last=False,
    clip=None,
    epochs=500,
    level=0.98,
    patience=50,
    models=tuple(MODELS),
)
PROTOCOLS = {one.name: one for one in (MESA, NONNEG)}
