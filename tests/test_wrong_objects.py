"""What public functions answer to objects of a wrong kind: one line that names the argument.

Each function is called with good arguments, of which one at a time is replaced by things that no
argument is. It may accept them; if not, it says which argument is wrong.
"""

import importlib
import inspect
import re
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pytest

import constructions
import training
from geomcore import (
    Network,
    Polytope,
    ReLUNetwork,
    datasets,
    layers,
    line_pieces,
    linear_regions,
    mesa_measures,
    parameters,
    plot,
    projection,
    slack_profile,
)
from geomcore.cones import CircularCone, PolyhedralCone
from tests.test_arguments import PACKAGES

X, Y = np.array([[0.0, 0.0], [0.1, 0.0], [3.0, 0.1], [3.0, 0.2]]), np.array([0, 0, 1, 1])
W, B = np.eye(2), np.zeros(2)
NET = ReLUNetwork([W, W], [B, B])
SHIFTED = ReLUNetwork([W, W + 1], [B, B])
DATA = {"X": X, "y": Y}
CONE, ROUND = PolyhedralCone(B, W), CircularCone(B, [1.0, 0.0], 1.0)
SCALES = {"scales": [0.1, 1.0], "trials": 1, "steps": 1}
BUILT = constructions.construct(X, Y)
PROVED = constructions.verify(BUILT.network, X, Y)
STUDY = training.perturbation_study(NET, X, Y, **SCALES)
REGIONS = linear_regions(NET, [(-1, 1), (-1, 1)])
SQUARE = Polytope([[1, 0], [0, 1], [-1, 0], [0, -1]], [1, 1, 1, 1])
SPARSE = training.SparseAutoencoder(W, B, W, B)
LOSSES = {0.1: [1e-3, 1e-2]}


class Thing:
    """No argument of anything."""

    def __repr__(self):
        return "\n".join(["Thing"] * 9)


THINGS = {
    "None": None,
    "text": "x",
    "number": 3,
    "nan": float("nan"),
    "complex": 1j,
    "cube": np.zeros((2, 3, 4)),
    "vector": np.arange(7.0),
    "rows of several lengths": [[1, 2], [3]],
    "object": Thing(),
    "objects": [Thing()],
    "dict": {"a": 1},
    "class": int,
}
# What belongs to another library, or is called by us with what it is to look at.
FOREIGN = {"executor", "callbacks", "progress", "names"}


def with_defaults(function, **given):
    """All arguments of a function, the others as they are by default."""
    shape = inspect.signature(function).parameters
    return {name: given.get(name, p.default) for name, p in shape.items()}


def cases():
    """Each function with all its arguments."""
    made = {
        datasets: ("clusters", "concentric", "polytope", "sequential", "single_cone", "spirals"),
        training: ("Adam", "AccuracyFor", "L1", "L2", "LossBelow", "LossLadder", "MaxNorm"),
    }
    sizes = {"n": 9, "level": 0.9, "weight": 1.0, "threshold": 0.1, "limit": 1.0}
    for room, names in made.items():
        for name in names:
            yield name, getattr(room, name), with_defaults(getattr(room, name), **sizes)
    yield "sparse_synthetic", datasets.sparse_synthetic, with_defaults(datasets.sparse_synthetic)
    small = with_defaults(datasets.patches, size=2, count=9, images=[np.eye(6)])
    yield "patches", datasets.patches, small
    known = {**DATA, "net": NET, "network": NET, "networks": [NET], "steps": 1, "rng": 0}
    known |= {"W": W, "b": B, "index": Y, "x": X[0], "Ws": [W], "bs": [B], "Y": Y, "A": X[:2]}
    known |= {"B": X[2:], "state": (0, 1), "groups": [[0], [1]], "fractions": (0.5, 1)}
    known |= {"scale": 0.1, "trials": 1, "scales": [0.1], "certificate": PROVED}
    known |= {"other": NET, "direction": np.ones(12), "step": 0.01}
    known |= {"box": [(0, 1), (0, 1)], "points": 3, "grid": 9, "probes": 2}
    known |= {"multipliers": X, "nodes": 99, "incumbent": np.ones(3)}
    known |= {"seconds": 1.0, "evaluations": 5, "successes": 1, "iterations": 3}
    for room, names in {
        "geomcore": (
            "activation_pattern affine_map_at cumulative_parameters input_gradients "
            "input_jacobians layer_parameters linear_regions to_onnx truncate truncation_defects "
            "truncation_degree truncation_map"
        ),
        "geomcore.datasets": "prepare",
        "constructions": (
            "balanced basin_of_return best_neuron best_unit cell_radius construct "
            "elimination_order merged partial separate suboptimal suboptimal_family verify"
        ),
        "training": (
            "exact_slice gauss_newton_operator hessian hessian_operator "
            "hessian_spectrum largest_curvature matched "
            "neural_collapse norm_per_scale perturb settle sharpness "
            "tensor_names train train_ensemble wilson_interval"
        ),
    }.items():
        for name in names.split():
            function = getattr(importlib.import_module(room), name)
            yield name, function, with_defaults(function, **known)
    function = constructions.best_two_layer
    yield "best_two_layer", function, with_defaults(function, **DATA, weight_decay=0.1, gap=0.1)
    function = constructions.regularisation_path
    yield (
        "regularisation_path",
        function,
        with_defaults(function, **DATA, weight_decays=[0.1], gap=0.1),
    )
    function = constructions.two_layer_bound
    yield (
        "two_layer_bound",
        function,
        with_defaults(function, net=NET, **DATA, weight_decay=0.1),
    )
    stated = {"certificate": PROVED, "net": BUILT.network, **DATA, "targets": None}
    yield "recheck", constructions.recheck, stated
    yield "descent_basin", constructions.descent_basin, stated | {"step": 0.01}
    yield "largest_step", constructions.largest_step, stated | {"radius": 1e-4}
    two = {"a": NET, "b": SHIFTED, **DATA, "steps": 1, "points": 3, "seconds": 1.0}
    for name in ("barrier", "bend", "interpolate"):
        function = getattr(training, name)
        yield name, function, with_defaults(function, **two)
    for name in ("loss_slice", "loss_surface", "random_direction"):
        function = getattr(training, name)
        yield name, function, with_defaults(function, net=NET, **DATA, steps=1, points=3)
    yield "line_pieces", line_pieces, {"net": NET, "start": X[0], "end": X[2]}
    yield "Regions.level_set", REGIONS.level_set, {"output": 0, "level": 0.0}
    yield "Regions.polygon", REGIONS.polygon, {"i": 0}
    yield "Regions.affine_map", REGIONS.affine_map, {"i": 0}
    yield "Regions.points", REGIONS.points, {"coordinates": X}
    measured = with_defaults(mesa_measures, net=NET, polytope=SQUARE, box=2.0, samples=9)
    yield "mesa_measures", mesa_measures, measured
    profiled = with_defaults(slack_profile, net=NET, polytope=SQUARE, box=2.0, samples=9)
    yield "slack_profile", slack_profile, profiled
    yield "Polytope", Polytope, {"normals": W, "offsets": B}
    yield "Polytope.of", Polytope.of, {"data": datasets.polytope(3, rng=0)}
    yield "Polytope.slack", SQUARE.slack, {"X": X}
    yield "Polytope.zones", SQUARE.zones, {"X": X, "margin": 0.2}
    yield "Polytope.grown", SQUARE.grown, {"margin": 0.2}
    for name in ("polygon", "reaches_beyond"):
        yield f"Polytope.{name}", getattr(SQUARE, name), {"box": 2.0}
    path = {"networks": [NET, SHIFTED, ReLUNetwork([W, W], [B + 1, B])], "center": NET}
    yield "trajectory_plane", training.trajectory_plane, path
    yield "CurvatureRecorder", training.CurvatureRecorder, DATA
    yield "SGD", training.SGD, {"learning_rate": 0.1, "momentum": 0.0, "clip": None}
    yield "Plateau", training.Plateau, {"records": 10, "rtol": 1e-3}
    study = with_defaults(training.perturbation_study, net=NET, **DATA) | SCALES
    # Without them they are looked for, which takes its time.
    study = {name: value for name, value in study.items() if name not in ("scales", "steps")}
    yield (
        "perturbation_study",
        partial(training.perturbation_study, **SCALES | {"trials": 1}),
        {name: value for name, value in study.items() if name != "trials"},
    )
    yield "StudyResult.histogram", STUDY.histogram, {"edges": None}
    yield "StudyResult.losses", STUDY.losses, {"scale": 0.1}
    yield "StudyResult.of", STUDY.of, {"name": "network"}
    yield "StudyResult.frame", STUDY.frame, {"per": "trial"}
    returned = {"scales": [0.1, 1.0], "returned": np.array([True, False]), "resamples": 9, "rng": 0}
    yield "return_radius", training.return_radius, returned
    yield "ReLUNetwork", ReLUNetwork, {"weights": [W], "biases": [B]}
    yield "ReLUNetwork.rebuild", NET.rebuild, {"tensors": [W, B, W, B]}
    yield "ReLUNetwork.hidden", NET.hidden, {"X": X}
    yield "Network", Network, {"layers": [layers.Affine(W, B)]}
    yield "LpNorm", layers.LpNorm, {"W": W, "b": B, "p": 2.0}
    yield "ExplainingAway", layers.ExplainingAway, {"G": W, "steps": 2, "gamma": 0.5}
    dictionary = {"D": W, "steps": 2, "gamma": None}
    yield "ExplainingAway.of_dictionary", layers.ExplainingAway.of_dictionary, dictionary
    tensors = {"W_e": W, "b_e": B, "W_d": W, "b_d": B, "G": None, "loop": 2, "gamma": 0.5}
    yield "SparseAutoencoder", training.SparseAutoencoder, tensors
    for name, argument in (("encode", "X"), ("decode", "Z")):
        yield f"SparseAutoencoder.{name}", getattr(SPARSE, name), {argument: X}
    asked = with_defaults(SPARSE.objective, X=X, penalty=0.1)
    yield "SparseAutoencoder.objective", SPARSE.objective, asked
    coded = with_defaults(training.train_sparse, X=X, units=2, penalty=0.1, steps=1, loop=1)
    yield "train_sparse", training.train_sparse, coded
    yield "InverseSquares", training.InverseSquares, {"weight": 1.0}
    yield "LearnedLpNorm", layers.LearnedLpNorm, {"W": W, "b": B, "r": B}
    yield "PolyhedralCone", PolyhedralCone, {"base": B, "edges": W}
    yield "PolyhedralCone.from_layer", PolyhedralCone.from_layer, {"W": W, "b": B, "rtol": None}
    yield "PolyhedralCone.coordinates", CONE.coordinates, {"X": X}
    yield "CircularCone", CircularCone, {"apex": B, "axis": [1.0, 0.0], "angle": 1.0}
    yield "CircularCone.contains", ROUND.contains, {"X": X, "tol": 0.0}
    yield "CircularCone.to_layer", ROUND.to_layer, {"width": 2}
    yield "flatten", parameters.flatten, {"tensors": [W, B]}
    yield "unflatten", parameters.unflatten, {"net": NET, "vector": np.zeros(12)}
    yield "move", parameters.move, {"net": NET, "direction": np.zeros(12), "step": 1.0}
    yield "Projection", projection.Projection, {"mean": B, "axes": W}
    yield "fit_projection", projection.fit_projection, {"X": X, "dim": 2}
    yield "class_mean_plane", projection.class_mean_plane, {"X": W, "y": [0, 1], "dim": 2}
    yield from pictures()


def pictures():
    """The plot functions; each of them draws on axes of its own unless these are tried."""
    yield "class_style", plot.class_style, {"j": 0}
    box = [(0.0, 1.0), (0.0, 1.0)]
    cones = {"cones": [CONE], "ax": plt.figure().add_subplot(), "box": box, "classes": [0]}
    yield "plot_cones", plot.plot_cones, cones
    yield "plot_data", plot.plot_data, with_defaults(plot.plot_data, **DATA)
    yield (
        "plot_histograms",
        plot.plot_histograms,
        {"losses": LOSSES, "floor": 1e-20, "reference": 1},
    )
    drawn = {"initial": LOSSES, "outcomes": {0.1: ["stuck", "stuck"]}, "tolerance": 0.1}
    yield "plot_losses", plot.plot_losses, {"losses": LOSSES, **drawn, "floor": 1e-20, "ax": None}
    yield "plot_margins", plot.plot_margins, {"net": NET, **DATA, "most": 30}
    yield "plot_outputs", plot.plot_outputs, {"out": X, "y": Y, "targets": None, "ax": None}
    yield "plot_piles", plot.plot_piles, {"net": BUILT.network, **DATA, "most": 20, "rtol": 1e-6}
    parts = {"untrained": [1.0], "limited": [False], "ax": None}
    shares = {"scales": [0.1], "fractions": [1.0], "intervals": [[0.9, 1.0]]}
    yield "plot_return", plot.plot_return, {**shares, **parts}
    stages = {"stages": [X, X], "y": Y, "projection": None, "titles": None}
    yield "plot_truncation", plot.plot_truncation, stages
    regions = with_defaults(plot.plot_regions, found=REGIONS, points=X, labels=Y)
    yield "plot_regions", plot.plot_regions, regions
    lines = {"lines": REGIONS.level_set(), "ax": plt.figure().add_subplot()}
    yield "plot_boundary", plot.plot_boundary, lines


CASES = {name: (function, good) for name, function, good in cases()}
# Constructed from files or other libraries, plain records, or tried in another test.
ELSEWHERE = set(
    "AffineMap Barrier BestNeuron BestUnit BinaryCrossEntropy Box Certificate Check "
    "Construction ConstructionError CrossEntropy CurvatureHistory Dataset DescentBasin "
    "ExactSlice FilmReel FlatSet GeometricClassifier HullCertificate LayerRecord LinePieces "
    "LossSlice LossSurface MesaMeasures NegativePart NeuralCollapse NonNegative "
    "NonNegativeSparseCoder Order PerturbationStudy Separation Settled SlackProfile SmoothL0 "
    "SparseHistory SparseResult Spectrum SquaredError TrainResult TrajectoryPlane "
    "TruncationHistory TruncationRecorder TwoLayerBound TwoLayerOptimum TwoLayerPath "
    "UnitColumns UnitNorm breast_cancer check_certificate digits film film_strip from_keras "
    "from_nnet from_onnx from_sklearn from_torch iris load load_study load_table mnist save "
    "to_torch truncation_history wine".split()
)


def test_every_public_function_is_tried_here_or_elsewhere():
    rooms = map(importlib.import_module, PACKAGES)
    public = {n for room in rooms for n in room.__all__ if callable(getattr(room, n))}
    assert public - {name.split(".")[0] for name in CASES} == ELSEWHERE


@pytest.mark.parametrize("name", CASES)
def test_good_arguments_are_good(name):
    function, good = CASES[name]
    function(**good)
    plt.close("all")


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore::UserWarning")  # training that ends above its start
def test_what_no_argument_is_gets_one_line_that_names_the_argument(name):
    function, good = CASES[name]
    for argument in set(good) - FOREIGN:
        # Points of another number do not fit the labels, and so on: either may be named.
        others = "|".join({argument, *good})
        for kind, thing in THINGS.items():
            try:
                function(**good | {argument: thing})
            except ValueError as error:
                line = str(error)
                assert re.search(rf"\b({others})\b", line), f"{argument} as {kind}: {line}"
                assert "\n" not in line, f"{argument} as {kind}: {line}"
                assert "ambiguous" not in line and "broadcast" not in line, line
            except Exception as error:
                pytest.fail(f"{name} with {argument} as {kind}: {type(error).__name__}: {error}")
            plt.close("all")
