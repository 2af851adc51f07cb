"""What the commands do for one data set: construct, verify, perturb and train, draw."""

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import constructions
from constructions import Certificate, Construction, ConstructionError, verify
from geomcore import datasets
from geomcore.datasets.dataset import Dataset
from geomcore.network import ReLUNetwork
from training.study.result import StudyResult
from training.study.study import perturbation_study

SYNTHETIC = ("clusters", "sequential", "single_cone", "concentric")
PATTERNS = ("spirals",)
BUNDLED = ("iris", "wine", "breast_cancer", "digits")


@dataclass(eq=False)
class Case:
    """One data set and what has been found out about it so far.

    Attributes
    ----------
    data : Dataset
    network : ReLUNetwork or None
    construction : Construction or None
    refusal : ConstructionError or None
        Why there is no construction.
    certificate : Certificate or None
    study : StudyResult or None
    timings : dict of str to float
        Seconds.
    figures : list of (str, str)
        File stem and caption.
    """

    data: Dataset
    network: ReLUNetwork | None = None
    construction: Construction | None = None
    refusal: ConstructionError | None = None
    certificate: Certificate | None = None
    study: StudyResult | None = None
    timings: dict = field(default_factory=dict)
    figures: list = field(default_factory=list)

    @property
    def name(self):
        return self.data.name

    @property
    def proved(self):
        """Whether a global minimum is proved."""
        found = self.certificate
        return found is not None and found.proved and found.verdict == "global minimum"

    @contextmanager
    def timed(self, part):
        start = time.perf_counter()
        yield
        self.timings[part] = time.perf_counter() - start

    def construct(self, method="auto"):
        """Construct a network, or keep why there is none."""
        with self.timed("construct"):
            try:
                self.construction = constructions.construct(self.data.X, self.data.y, method)
                self.network = self.construction.network
            except ConstructionError as refusal:
                self.refusal = refusal

    def verify(self):
        with self.timed("verify"):
            self.certificate = verify(self.network, self.data.X, self.data.y)

    def perturb(self, **options):
        """Run `perturbation_study` around the network."""
        with self.timed("study"):
            self.study = perturbation_study(self.network, self.data.X, self.data.y, **options)

    def row(self):
        """The line of this case in the table of a run, as strings by column."""
        net, found = self.network, self.certificate
        return {
            "data": self.name,
            "method": self.construction.method if self.construction else "-",
            "layers": str(len(net.weights)) if net else "-",
            "width": str(max(net.widths[1:])) if net else "-",
            "parameters": str(net.parameter_count) if net else "-",
            "loss": f"{found.loss:.0e}" if found else "-",
            "margin": f"{found.activation_margin:.0e}" if found else "-",
            "verdict": self._verdict(),
            "time": f"{self.timings.get('construct', 0) + self.timings.get('verify', 0):.1f} s",
        }

    def _verdict(self):
        if self.refusal is not None:
            return "no method applies"
        proved = "" if self.proved else " (not proved)"
        return self.certificate.verdict + proved if self.certificate else "-"


def load_data(source, *, seed=0, label=None):
    """Return a bundled data set by its name, or the table in a CSV or npz file.

    Parameters
    ----------
    source : str
        One of `SYNTHETIC` or `PATTERNS`, which `seed` draws, or `BUNDLED`, or a path.
        A path that is there wins; one that is not must end in .csv or .npz or hold a
        separator, else it counts as a misspelt name.
    seed : int
    label : str, optional
        Column of the label in a CSV file, by name or number.

    Raises
    ------
    ValueError
        If there is no such data set or file, or the file is not a table.
    ImportError
        If the data set comes with scikit-learn and that is not installed.
    """
    path = Path(source)
    drawn = source in SYNTHETIC + PATTERNS
    named = drawn or source in BUNDLED
    if not path.is_file() and named:
        if label is not None:
            raise ValueError(f"--label goes with CSV files, {source} is a bundled data set")
        make = getattr(datasets, source)
        return make(rng=seed) if drawn else make()
    if not path.exists() and path.suffix.lower() not in (".csv", ".npz", ".tsv", ".txt"):
        names = ", ".join(SYNTHETIC + PATTERNS + BUNDLED)
        raise ValueError(
            f"DATA must be one of {names}, or a CSV or npz file; there is no file {source}"
        )
    column = int(label) if label is not None and label.lstrip("-").isdigit() else label
    return datasets.load_table(source, label=column)
