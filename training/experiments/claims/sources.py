"""The claims, with what their sources say, and the commands that answer for them."""

from typing import NamedTuple


class Claim(NamedTuple):
    """A published, or noted, claim.

    Attributes
    ----------
    name : str
    statement : str
    source : str
    published : str
        The number that goes with it; "" where there is none.
    """

    name: str
    statement: str
    source: str
    published: str = ""


MESA = "A. Oursland's note on Lp heads"
NONNEG = "A. Oursland's note on non-negative heads"
KERNELS = "worked examples of non-negative kernels"
SPARSE = "a note on sparse coding (OF96, RJBO08)"
CLAIMS = (
    Claim("A1", "Lp and linear heads are equally accurate", MESA, "99.0 % and 99.2 %"),
    Claim(
        "A2",
        "Lp has a spike of gradients near zero inside the polytope, Linear has none",
        MESA,
        "norm below 1 at 32 of 101 points, and at 3 of 101",
    ),
    Claim(
        "A3",
        "Lp suppresses the head weights of units that are on at the centre, Linear cancels",
        MESA,
        "mean |w| on and off 0.0086 and 1.58 (Lp), 0.61 and 0.80 (Linear): 70 times",
    ),
    Claim(
        "A4",
        "flipping the negative head weights of Linear changes nothing about flat points",
        MESA,
    ),
    Claim(
        "B1",
        "a penalty on negative head weights recovers most of the flat points of Lp",
        NONNEG,
        "28.7 % of the points against 33.7 %, about 85 %",
    ),
    Claim(
        "B2",
        "flatness falls with the magnitude of negative head weights",
        NONNEG,
        "20.8, 27.7, 28.7 % flat at mean negative weights -0.044, -0.0068, -0.0029",
    ),
    Claim("B3", "preventing cancellation is necessary and sufficient", NONNEG),
    Claim("C1", "the constraint affects linear and rectified units differently", KERNELS),
    Claim(
        "C2",
        "the printed outputs of the third example",
        KERNELS,
        "linear -0, -0, 0, 4, 8; rectified zeros",
    ),
    Claim(
        "D1",
        "with an L1 penalty on activations and free weights, training shrinks weights instead",
        SPARSE,
    ),
    Claim(
        "D2", "receptive fields like Gabor functions appear if and only if norms are held", SPARSE
    ),
    Claim("D3", "explaining away has no effect where norms are held", SPARSE),
    Claim("D4", "with free norms explaining away gives sparser codes, sooner, fewer dead", SPARSE),
    Claim("D5", "where the penalty is too high, explaining away helps", SPARSE),
    Claim("E1", "data of types (a) to (d) have an explicit network with zero loss", "CE23, CE24"),
    Claim("E2", "the 2^Q - 1 suboptimal constructions are local minima", "CE23, Theorem 2.5"),
    Claim("E3", "their losses follow the closed form", "CE23, Theorem 2.5"),
    Claim(
        "E4",
        "after a small perturbation SGD returns to zero loss, after a large one it does not",
        "CE24's authors, type (c)",
        "full return up to λ of about 0.1; loss about 0.4 and accuracy about 85 % at λ = 1",
    ),
    Claim("E5", "truncation speeds up exponentially with the number of truncated points", "Chen25"),
    Claim("E6", "digits 0, 1, 6, 4 in this order are sequentially separable", "CE24"),
    Claim(
        "E7",
        "networks of Q + 1 layers trained on digits show cones; their middle layers lose rank, and "
        "the identities of cones fail there; the two losses differ",
        "CE24's authors",
    ),
    Claim("E8", "training to lower loss gives more neural collapse", "CE24's authors; PHD20"),
)


VERDICT_TABLE = "verdicts.csv"
_TABLES = {"minima": "minima.csv", "study": "trials.csv"}
_OF_FILES = {"header": None, "delimiter": None, "decimal": None, "encoding": None, "drop": None}
_OF_FILES |= {"label": None, "drop_missing": None, "one_hot": None}
# The other arguments of these commands, at their defaults: no run of a claim has others.
_LEFT = {
    "mesa": {"models": None, "epochs": None},
    "nonneg": {"models": None, "epochs": None},
    "kernels": {},
    "sparse": {"images": None},
    "minima": {
        "data": None,
        "radius": 0.15,
        "points": 100,
        "steps": 5000,
        "trials": 5,
        "scale": 0.001,
        **_OF_FILES,
    },
    "study": {
        "network": None,
        "method": "auto",
        "targets": None,
        "states": False,
        "merges": False,
        "standardize": False,  # what these data come to
        "batch_size": None,
        "learning_rate": None,
        "tolerance": None,
        "relative": False,
        "tensors": None,
        **_OF_FILES,
    },
    "dynamics": {
        "data": None,
        "fractions": "0.1,0.3,0.5,0.7,0.9",
        "others": 1.0,
        "follow": None,
        "points": 50,
        "radius": 0.15,
        "standardize": None,
        "steps": 60000,
        **_OF_FILES,
    },
    "trained": {
        "digits": "0,1,2",
        "mnist": None,
        "points": None,
        "losses": "mse,cross_entropy",
        "steps": None,
    },
}


class Work(NamedTuple):
    """A command whose run folder answers for claims.

    Attributes
    ----------
    folder : str
        Name of the folder, inside that of the claims.
    command : str
    full, quick : dict
        Its arguments, the same ones, by name; ``data`` is positional, others are its defaults,
        see `left`.
    claims : tuple of str
    figures : tuple of str
        Names of the pictures that show them, without their ending.
    resumes : bool
        Whether it goes on with a run that was stopped.
    """

    folder: str
    command: str
    full: dict
    quick: dict
    claims: tuple
    figures: tuple
    resumes: bool = True

    @property
    def left(self):
        """The arguments that stay at their defaults, as `run.json` notes them; see `_LEFT`."""
        own = _LEFT.get(self.command, {})
        return {name: value for name, value in own.items() if name not in self.full}

    @property
    def table(self):
        """Name of the table that is read."""
        return _TABLES.get(self.command, VERDICT_TABLE)


# The sizes of noise of the original study.
SCALES = (0.001, 0.003, 0.01, 0.03, 0.06, 0.1, 0.2, 0.3, 0.6, 1.0, 2.0, 3.0)
TYPES = {"a": "clusters", "b": "sequential", "c": "single_cone", "d": "concentric"}


def _study(letter):
    data = TYPES[letter]
    scales = ",".join(f"{s:g}" for s in SCALES)
    given = {"data": data, "balance": False, "scales": scales}
    return Work(
        f"study-{letter}",
        "study",
        {**given, "trials": 500, "steps": 1000},
        {**given, "trials": 40, "steps": 300},
        ("E4",) if letter == "c" else (),
        (f"{data.replace('_', '-')}-comparison",),
    )


WORKS = (
    Work(
        "mesa",
        "mesa",
        {"seeds": 30, "dims": "2,3,5,10"},
        {"seeds": 12, "dims": "2"},
        ("A1", "A2", "A3", "A4"),
        ("mesa-areas",),
    ),
    Work(
        "nonneg",
        "nonneg",
        {"seeds": 30, "dims": "2,3,5,10"},
        {"seeds": 12, "dims": "2"},
        ("B1", "B2", "B3"),
        ("nonneg-areas",),
    ),
    Work("kernels", "kernels", {"seeds": 20}, {"seeds": 4}, ("C1", "C2"), ("kernels-losses",)),
    Work(
        "sparse",
        "sparse",
        {"seeds": 10, "quick": False},
        {"seeds": 4, "quick": True},
        ("D1", "D2", "D3", "D4", "D5"),
        (),
    ),
    Work(
        "minima",
        "minima",
        {"classes": "3,4"},
        {"classes": "3"},
        ("E2", "E3"),
        ("3-balls-losses",),
        resumes=False,
    ),
    *map(_study, TYPES),
    Work(
        "dynamics",
        "dynamics",
        {"seeds": 40, "film": True},
        {"seeds": 6, "film": False},
        ("E5",),
        (),
    ),
    Work("trained", "trained", {"seeds": 10}, {"seeds": 1}, ("E6", "E7", "E8"), ()),
)
