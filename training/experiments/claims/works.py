"""The commands that answer for the claims, in full and quick."""

from typing import NamedTuple

FLAGS = ("quick",)  # options without a word for no
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
    figures : dict of str to str
        Names of the pictures that show them, without their ending, and what these show.
    resumes : bool
        Whether it goes on with a run that was stopped.
    """

    folder: str
    command: str
    full: dict
    quick: dict
    claims: tuple
    figures: dict
    resumes: bool = True

    @property
    def left(self):
        """The arguments that stay at their defaults, as `run.json` notes them; see `_LEFT`."""
        own = _LEFT.get(self.command, {})
        return {name: value for name, value in own.items() if name not in self.full}

    def options(self, *, quick, seed):
        """What is typed after the name of the command.

        Examples
        --------
        >>> work = Work("a", "dynamics", {"data": "iris", "film": True}, {}, (), {})
        >>> work.options(quick=False, seed=1)
        ['iris', '--film', '--seed', '1']
        """
        typed = []
        for name, value in (self.quick if quick else self.full).items():
            option = name.replace("_", "-")
            if name == "data":
                typed.append(value)
            elif isinstance(value, bool):
                left_out = name in FLAGS and not value
                typed += [] if left_out else [f"--{'' if value else 'no-'}{option}"]
            else:
                typed += [f"--{option}", str(value)]
        return [*typed, "--seed", str(seed)]

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
        {
            f"{data.replace('_', '-')}-comparison": f"Type ({letter}): where trials end, by the "
            "size of the noise"
        },
    )


WORKS = (
    Work(
        "mesa",
        "mesa",
        {"seeds": 30, "dims": "2,3,5,10"},
        {"seeds": 24, "dims": "2"},
        ("A1", "A2", "A3", "A4"),
        {
            "mesa-thresholds": "Flat test points inside, for four thresholds and two scalars",
            "mesa-weights": "Head weights",
            "mesa-dimensions": "The part of the polytope that is flat, by dimension",
        },
    ),
    Work(
        "nonneg",
        "nonneg",
        {"seeds": 30, "dims": "2,3,5,10"},
        {"seeds": 24, "dims": "2"},
        ("B1", "B2", "B3"),
        {
            "nonneg-masses": "The part of the polytope that is flat, by negative head weights",
            "nonneg-thresholds": "Flat test points inside, for four thresholds and two scalars",
            "nonneg-dimensions": "The part of the polytope that is flat, by dimension",
        },
    ),
    Work(
        "kernels",
        "kernels",
        {"seeds": 20},
        {"seeds": 4},
        ("C1", "C2"),
        {"kernels-losses": "The loss of one unit against its kernel; shaded: not allowed"},
    ),
    Work(
        "sparse",
        "sparse",
        {"seeds": 10, "quick": False},
        {"seeds": 10, "quick": True},
        ("D1", "D2", "D3", "D4", "D5"),
        {
            "sparse-curves": "Error against the part of the units that is on",
            "sparse-gabors": "How much of a receptive field a Gabor function explains",
        },
    ),
    Work(
        "minima",
        "minima",
        {"classes": "3,4"},
        {"classes": "3"},
        ("E2", "E3"),
        {"3-balls-losses": "The loss of each point, its verdict, and the closed form (crosses)"},
        resumes=False,
    ),
    *map(_study, TYPES),
    Work(
        "dynamics",
        "dynamics",
        {"seeds": 40, "film": True},
        {"seeds": 6, "film": False},
        ("E5",),
        {"dynamics-rates": "The rate of each run against the fraction truncated at the start"},
    ),
    Work(
        "trained",
        "trained",
        {"seeds": 10},
        {"seeds": 4},
        ("E6", "E7", "E8"),
        {"trained-ladder": "What the hidden layers are on the way to lower losses"},
    ),
)
