"""Where public names live: the table behind the messages for names asked of the wrong package.

`geomcore` must not import the packages that stand on it, so the names are listed; a test keeps
the list in step with what each package exports.
"""

import sys
from difflib import get_close_matches
from importlib.util import find_spec

_NAMES = {
    "geomcore": (
        "activation_pattern affine_map_at AffineMap CircularCone cumulative_parameters Dataset "
        "datasets FlatSet from_keras from_nnet from_onnx from_sklearn from_torch input_gradients "
        "input_jacobians layer_parameters line_pieces linear_regions LinePieces load "
        "mesa_measures MesaMeasures Network PolyhedralCone Polytope Regions ReLUNetwork save "
        "slack_profile SlackProfile to_onnx to_torch truncate truncation_defects "
        "truncation_degree truncation_map"
    ),
    "geomcore.datasets": (
        "breast_cancer clusters concentric Dataset digits iris load_table mnist patches "
        "polytope prepare sequential single_cone sparse_synthetic spirals wine"
    ),
    "geomcore.layers": ("Affine ExplainingAway Layer LearnedLpNorm LpNorm ReLU"),
    "geomcore.plot": (
        "class_style plot_boundary plot_cones plot_data plot_histograms plot_losses "
        "plot_margins plot_outputs plot_piles plot_regions plot_return plot_truncation"
    ),
    "constructions": (
        "balanced basin_of_return best_neuron best_two_layer best_unit BestNeuron BestUnit "
        "cell_radius Certificate Check check_certificate construct Construction ConstructionError "
        "descent_basin DescentBasin elimination_order GeometricClassifier HullCertificate "
        "largest_step LayerRecord merged Order partial recheck regularisation_path separate "
        "Separation suboptimal suboptimal_family two_layer_bound TwoLayerBound TwoLayerOptimum "
        "TwoLayerPath verify"
    ),
    "training": (
        "AccuracyFor Adam barrier Barrier bend BinaryCrossEntropy Box CrossEntropy "
        "CurvatureHistory CurvatureRecorder exact_slice ExactSlice film film_strip FilmReel "
        "gauss_newton_operator hessian hessian_operator hessian_spectrum interpolate "
        "InverseSquares L1 L2 largest_curvature load_study loss_slice loss_surface LossBelow "
        "LossLadder LossSlice LossSurface matched MaxNorm NegativePart neural_collapse "
        "NeuralCollapse NonNegative NonNegativeSparseCoder norm_per_scale perturb "
        "perturbation_study PerturbationStudy Plateau random_direction return_radius settle "
        "Settled SGD sharpness SmoothL0 SparseAutoencoder SparseHistory SparseResult Spectrum "
        "SquaredError StudyResult tensor_names train train_ensemble train_sparse TrainResult "
        "trajectory_plane TrajectoryPlane truncation_history TruncationHistory "
        "TruncationRecorder UnitColumns UnitNorm wilson_interval"
    ),
}
# What other libraries call the same.
_SAME = {
    "load_csv": "load_table",
    "read_csv": "load_table",
    "load_iris": "iris",
    "load_wine": "wine",
    "load_digits": "digits",
    "load_breast_cancer": "breast_cancer",
    "load_model": "load",
    "save_model": "save",
    "from_pytorch": "from_torch",
    "from_scikit_learn": "from_sklearn",
    "regularization_path": "regularisation_path",
    "build": "construct",
    "fit": "train",
    "MLP": "ReLUNetwork",
    "Sequential": "Network",
    "MSELoss": "SquaredError",
    "MSE": "SquaredError",
    "CrossEntropyLoss": "CrossEntropy",
    "BCELoss": "BinaryCrossEntropy",
}
HOMES = {package: frozenset(names.split()) for package, names in _NAMES.items()}


def listing(namespace, more=()):
    """What `dir` tells of a module: what it exports, not what it is made of.

    Parameters
    ----------
    namespace : dict
        Of the module, with ``__all__``.
    more : sequence of str, optional
        Names that are loaded when first asked for.

    Returns
    -------
    list of str
    """
    special = [name for name in namespace if name.startswith("__")]
    return sorted({*namespace["__all__"], *special, *more})


def missing(package, name):
    """The error for a name that a package does not have: it says where the name lives.

    Parameters
    ----------
    package : str
    name : str

    Returns
    -------
    AttributeError or ImportError
        The latter in ``from package import name``, for Python would say less.

    Examples
    --------
    >>> print(missing("geomcore", "construct"))
    module 'geomcore' has no attribute 'construct': from constructions import construct
    >>> print(missing("geomcore", "ReluNetwork"))
    module 'geomcore' has no attribute 'ReluNetwork', did you mean geomcore.ReLUNetwork?
    """
    text = f"module {package!r} has no attribute {name!r}"
    home = "" if name.startswith("_") else _home(package, name)
    # `from package import name` asks first whether there is such an attribute, in this function
    # of Python's, and for an AttributeError looks for a module, then for words of its own.
    asked_by = sys._getframe(1).f_back
    is_import = asked_by is not None and asked_by.f_code.co_name == "_handle_fromlist"
    if is_import and home and find_spec(f"{package}.{name}") is None:
        return ImportError(f"cannot import name {name!r} from {package!r}{home}")
    return AttributeError(text + home)


def _home(package, name):
    """Where a name lives, or the nearest one, as the end of a sentence; empty if none is near."""
    for home, names in HOMES.items():
        if name in names:
            return f": from {home} import {name}"
    if name in HOMES:
        return f": import {name}"
    known = {known: home for home, names in reversed(HOMES.items()) for known in names}
    # Those of the package itself come first.
    own = get_close_matches(name, sorted(HOMES.get(package, ())), 1, cutoff=0.75)
    near = [_SAME[name]] if name in _SAME else own or get_close_matches(name, known, 1)
    if not near:
        return ""
    home = package if near[0] in HOMES.get(package, ()) else known[near[0]]
    return f", did you mean {home}.{near[0]}?"
