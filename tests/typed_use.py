"""A program of a user, for mypy, which `make lint` runs on it: what the names of the packages give.

Nothing runs it. Where mypy must complain, it says so in the line: a complaint that does not come
is an error, too (`warn_unused_ignores`).
"""

from typing import Any, assert_type

from matplotlib.axes import Axes
from matplotlib.figure import Figure

import geomcore
import training
from constructions import (
    Certificate,
    Check,
    Construction,
    GeometricClassifier,
    TwoLayerOptimum,
    best_two_layer,
    construct,
    recheck,
    verify,
)
from geomcore import Dataset, PolyhedralCone, Regions, ReLUNetwork, datasets, linear_regions
from geomcore.plot import plot_data, plot_piles, plot_regions
from geomcore.typing import Array, Floats, Integers
from training import (
    SGD,
    Barrier,
    FilmReel,
    LossBelow,
    MaxNorm,
    PerturbationStudy,
    Settled,
    StudyResult,
    TrainResult,
    perturbation_study,
    settle,
    train,
)


class Halved:
    """An optimizer of one's own, which knows nothing of the toolkit."""

    def start(self, params: list[Array]) -> None:
        return None

    def update(
        self, params: list[Array], gradients: list[Array], state: None, step: int
    ) -> tuple[list[Array], None]:
        return [p - g / 2 for p, g in zip(params, gradients, strict=True)], None


def what_comes_back(path: str) -> None:
    """Results by their classes, also through decorators and names that are loaded when used."""
    data = datasets.clusters(30, rng=0)
    assert_type(data, Dataset)
    X, y = data.X, data.y
    assert_type(X, Array)
    made = construct(X, y, "clustered", rng=0)
    assert_type(made, Construction)
    assert_type(made.network, ReLUNetwork)
    assert_type(made.network([[0.0, 1.0]]), Floats)
    assert_type(made.network.weights, tuple[Array, ...])
    stated = verify(made.network, X, y, weight_decay=0.0)
    assert_type(stated, Certificate)
    assert_type(stated.loss, float)
    assert_type(recheck(stated, made.network, X, y), tuple[Check, ...])
    assert_type(best_two_layer(X, y, weight_decay=0.1), TwoLayerOptimum)
    settled = settle(made.network, X, y)
    assert_type(settled, Settled)
    assert_type(settled.network, ReLUNetwork)
    assert_type(settled.summary(), str)
    regions = linear_regions(made.network, ((-1, 1), (-1, 1)))
    assert_type(regions, Regions)
    assert_type(regions.areas, Array)
    assert_type(plot_data(X, y), Axes)
    assert_type(plot_regions(regions), Axes)
    assert_type(plot_piles(made.network, X, y), Figure)
    assert_type(geomcore.plot.plot_data(X, y, ax=None), Axes)
    assert_type(PolyhedralCone([0, 0], [[1, 0], [0, 1]]).sector(X), Integers)
    assert_type(PolyhedralCone.from_layer([[1.0]], [0.0]), PolyhedralCone)
    assert_type(GeometricClassifier(verify=False).fit(X, y), GeometricClassifier)
    assert_type(training.barrier(made.network, settled.network, X, y), Barrier)
    _, _, condition, _ = geomcore.truncation_defects(made.network, X)[0]
    assert_type(condition, float)


def what_is_taken(net: ReLUNetwork, X: list[list[float]], y: list[str], path: str) -> None:
    """Objects of the toolkit and of one's own, one or several."""
    reel = FilmReel()
    rules = {"penalties": (), "constraints": MaxNorm(2.0, ["W1"])}
    one: dict[str, Any] = rules
    assert_type(train(net, X, y, optimizer=SGD(0.1), stop=LossBelow(0.1), **one), TrainResult)
    assert_type(train(net, X, y, optimizer=Halved(), callbacks=[reel, print]), TrainResult)
    assert_type(perturbation_study(net, X, y, trials=3), StudyResult)
    assert_type(PerturbationStudy(path, {"a": net}, X, y).run(resume=False), StudyResult)


def what_is_refused(net: ReLUNetwork, X: Array, y: Array) -> None:
    """Wrong words, keywords, orders and names."""
    construct(X, y, method="sequental")  # type: ignore[arg-type]
    construct(X, y, methd="auto")  # type: ignore[call-arg]
    verify(net, X, y, loss="mae")  # type: ignore[arg-type]
    settle(X, y, net)  # type: ignore[arg-type]
    train(net, X, y, epochs=3)  # type: ignore[call-arg]
    train(net, X, y, optimizer=3)  # type: ignore[arg-type]
    train(net, X, y, penalties=MaxNorm(2.0))  # type: ignore[arg-type]
    PerturbationStudy(None, net, X, y, trails=3)  # type: ignore[call-arg]
    ReLUNetwork(3, 4)  # type: ignore[arg-type]
    SGD(learning_rate="fast")  # type: ignore[arg-type]
    geomcore.truncation_map([[1.0]], [0.0])  # type: ignore[call-arg]
    geomcore.construct(X, y)  # type: ignore[attr-defined]
    training.setle(net, X, y)  # type: ignore[attr-defined]
    assert verify(net, X, y).verdict != "proved"  # type: ignore[comparison-overlap]
