"""What the commands do for one data set: construct, verify, perturb and train, draw."""

import json
import logging
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

import constructions
from constructions import Certificate, Construction, ConstructionError, verify
from geomcore.datasets.dataset import Dataset
from geomcore.display.lines import folded
from geomcore.foreign.choices import as_choice
from geomcore.foreign.wording import printable, rounded
from geomcore.network import ReLUNetwork
from training.commands.cases.origin import Made
from training.experiments import plot_case
from training.study.result import StudyResult
from training.study.study import perturbation_study


@contextmanager
def _told(step):
    """Pass on to `step` what `constructions` logs."""
    log, handler = logging.getLogger("constructions"), logging.Handler()
    handler.emit = lambda record: step(record.getMessage())
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)


@dataclass(eq=False)
class Case:
    """One data set and what has been found out about it so far.

    Attributes
    ----------
    data : Dataset
    network : ReLUNetwork or None
    construction : Construction or None
    made_before : Made or None
        How the network was made, if another run did it.
    refusal : ConstructionError or None
        Why there is no construction.
    certificate : Certificate or None
    study : StudyResult or None
    timings : dict of str to float
        Seconds.
    figures : list of Picture
    """

    data: Dataset
    network: ReLUNetwork | None = None
    construction: Construction | None = None
    made_before: Made | None = None
    refusal: ConstructionError | None = None
    certificate: Certificate | None = None
    study: StudyResult | None = None
    timings: dict = field(default_factory=dict)
    figures: list = field(default_factory=list)

    @property
    def name(self):
        """Of the data, which may be that of any file, so that it can be written anywhere."""
        return printable(self.data.name)

    @property
    def proved(self):
        """Whether a global minimum is proved."""
        found = self.certificate
        return found is not None and found.proved and found.verdict == "global minimum"

    @property
    def made(self):
        """How the network was made, a `Made`."""
        found = self.construction
        if found is None:
            return self.made_before or Made()
        return Made(found.method, found.summary(), found.report.get("skipped", {}))

    @contextmanager
    def timed(self, part):
        start = time.perf_counter()
        yield
        self.timings[part] = time.perf_counter() - start

    def construct(self, method="auto", *, step=lambda name: None):
        """Construct a network, or keep why there is none; `step` takes the name of each search."""
        # verify needs neither these nor cvxpy, which they load
        from constructions.construction import TWO_LAYER
        from constructions.theorems.table import THEOREMS

        if method == TWO_LAYER:
            raise ValueError(f"--method {method} needs a weight decay: see geomcore optimum")
        as_choice(method, ("auto", *THEOREMS), "method")
        with self.timed("construct"), _told(step):
            try:
                self.construction = constructions.construct(
                    self.data.X, self.data.y, method, targets=self.data.targets
                )
                self.network = self.construction.network
            except ConstructionError as refusal:
                self.refusal = refusal

    def verify(self, **options):
        """Find out what the network is, with options of `constructions.verify`."""
        with self.timed("verify"):
            data = self.data
            self.certificate = verify(self.network, data.X, data.y, targets=data.targets, **options)

    def perturb(self, **options):
        """Run `perturbation_study` around the network."""
        with self.timed("study"):
            given = self.network, self.data.X, self.data.y
            options = {"targets": self.data.targets, "progress": False, **options}
            self.study = perturbation_study(*given, **options)  # the command shows its own bar

    def draw(self, run, *, about_steps=""):
        """Draw all that is known into the run folder; note it in ``figures``.

        Parameters
        ----------
        run : RunFolder
        about_steps : str, optional
            How long was trained, for a caption.
        """
        with self.timed("figures"):
            drawn = plot_case.figures(self, about_steps=about_steps)
            self.figures += run.figures(self.name, drawn)

    def keep(self, run, prefix=""):
        """Write network, certificate or refusal, and tables into the run folder.

        Parameters
        ----------
        run : RunFolder
        prefix : str, optional
            Of the names of the files.
        """
        if self.network is not None:
            run.network(f"{prefix}network", self.network)
        if self.certificate is not None:
            run.text(f"{prefix}certificate.json", self.certificate.to_json() + "\n")
        if self.refusal is not None:
            run.text(f"{prefix}refusal.json", json.dumps(_plain(self.refusal), indent=2) + "\n")
        if self.study is not None:
            run.table(f"{prefix}trials", self.study.frame())
            run.table(f"{prefix}summary", self.study.frame("scale"))
        for part, seconds in self.timings.items():
            run.record["timings"][f"{self.name}: {part}"] = round(seconds, 3)

    def why_not(self):
        """Why there is no construction, line by line."""
        reasons = [f"  {name}: {why}" for name, why in self.refusal.reasons.items()]
        return folded(["no construction applies:", *reasons])

    def row(self):
        """The line of this case in the table of a run, as strings by column."""
        net, found = self.network, self.certificate
        return {
            "data": self.name,
            "method": self.made.method,
            "layers": str(len(net.weights)) if net else "-",
            "width": str(max(net.widths[1:])) if net else "-",
            "parameters": str(net.parameter_count) if net else "-",
            "loss": rounded(found.loss) if found else "-",
            "margin": f"{found.activation_margin:.0e}" if found else "-",
            "verdict": self._verdict(),
            "time": f"{self.timings.get('construct', 0) + self.timings.get('verify', 0):.1f} s",
        }

    def _verdict(self):
        if self.refusal is not None:
            return "no method applies"
        found = self.certificate
        return "-" if found is None else found.verdict + " (not proved)" * (not found.proved)


def _plain(refusal):
    """Reasons and certificates of a `ConstructionError`, for JSON."""
    return {
        "reasons": refusal.reasons,
        "certificates": {
            str(label): {
                key: value.tolist() if hasattr(value, "tolist") else value
                for key, value in found._asdict().items()
            }
            for label, found in refusal.certificates.items()
        },
    }
