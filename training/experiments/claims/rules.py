"""The rules by which verdicts are read off the numbers, in words, with their thresholds."""

from typing import NamedTuple

from training.dynamics.dependence import GOOD_FIT, LEAST_SEEDS, MOST, NOTHING
from training.dynamics.ladder import NO_TREND
from training.experiments.claims.points import RTOL
from training.experiments.claims.returns import ACCURACY, HALF, LARGE, LOSS, NEARLY, SMALL
from training.experiments.kernels.claims_kernels import RULE as KERNELS
from training.experiments.mesa.judging.claims_mesa import RULE as MESA
from training.experiments.mesa.judging.claims_nonneg import RULE as NONNEG
from training.experiments.mesa.judging.readings import RULE as HEADS
from training.experiments.sparse.claims import RULE as SPARSE
from training.experiments.trained.verdicts import ALIKE, COLLAPSED, COMPARED, DEFECT

GENERAL = """\
A claim is read in one or more ways, by its source's own measure or by another one, and each \
reading is answered yes, no, open (the 95 % interval, or the proof, decides nothing) or size (the \
effect is there, its size is another). It does not hold if a reading of its source says no, and \
is not decided if one is open. If they say yes, it holds, unless another reading says no, or a \
size is another: then it holds with a correction. Where a run is missing or a table is damaged, \
nothing is judged: the claim is not available."""
POINTS = f"""\
E1: yes where zero loss is proved for every draw, else open. E2: no where one of the points is \
proved to be no local minimum, yes where all are proved minima. E3: yes where all losses agree \
with the formula to {RTOL:g} of it, or to {RTOL:g} where it is 0, no where one does not. E4: yes \
up to λ = {SMALL:g} where the Wilson interval of the fraction that ends at zero loss begins at \
{NEARLY:g} or above, no where it ends below; yes at λ = {LARGE:g} where it ends below {HALF:g}, no \
where it begins at {HALF:g} or above; a size is another where the interval of the mean lies \
outside {LOSS[0]:g} to {LOSS[1]:g} (loss) or {ACCURACY[0]:g} to {ACCURACY[1]:g} (accuracy)."""
DYNAMICS = f"""\
Each rate against the fraction that is truncated, one slope for each seed, interval of their mean \
by Student's t at 95 %. It is not decided with fewer than {LEAST_SEEDS} seeds, or where at most \
{MOST:.0%} of the runs are exponential (R² at least {GOOD_FIT:g} and a positive rate). Else it \
does not hold where the interval lies below 0, or so near to 0 that the rate changes by less than \
{NOTHING:.0%} of its mean; it holds where the interval lies above 0; and it is not decided \
otherwise."""
_WITHIN = ", ".join(f"{COMPARED[name]} {least:g}" for name, least in ALIKE.items())
TRAINED = f"""\
E6: holds where every step of the order has a hyperplane by exact signs, does not hold where one \
step is proved impossible, each for the images that were looked at. E7: of parts of runs, against \
one half, by 95 % Wilson intervals: those with a hidden layer of full rank that collapses \
{COLLAPSED:.0%} of a class to the base of its cone; those with a middle layer that is \
rank-deficient; of these, those where each such layer has a defect above {DEFECT:g} of its \
largest output. The losses differ where one of three mean differences, paired by start, leaves out \
0 at 95 % for all three together, and do not where all lie within what counts as none ({_WITHIN}). \
E8: the decades that NC1 changes by for each decade of the loss, one slope for each start: it \
holds where the 95 % interval of their mean lies below 0, does not hold where it lies above 0 or \
within {NO_TREND:g} of it. With fewer than {LEAST_SEEDS} starts slopes and differences decide \
nothing."""


class Rule(NamedTuple):
    """What verdicts on some claims are computed by, beside `GENERAL`.

    Attributes
    ----------
    about : str
        The field of these claims.
    claims : tuple of str
    text : str
    """

    about: str
    claims: tuple
    text: str


RULES = (
    Rule("Lp heads against linear ones", ("A1", "A2", "A3", "A4"), f"{HEADS} {MESA}"),
    Rule("Heads without negative weights", ("B1", "B2", "B3"), f"{HEADS} {NONNEG}"),
    Rule("Kernels without negative weights", ("C1", "C2"), KERNELS),
    Rule("Sparse coding", ("D1", "D2", "D3", "D4", "D5"), SPARSE),
    Rule("Zero loss, and the points above it", ("E1", "E2", "E3", "E4"), POINTS),
    Rule("The rate of truncation", ("E5",), DYNAMICS),
    Rule("Networks trained on digits", ("E6", "E7", "E8"), TRAINED),
)
