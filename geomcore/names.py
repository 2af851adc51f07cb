"""Where public names live: the table behind the messages for names asked of the wrong package.

`geomcore` must not import the packages that stand on it, so the names are listed; a test keeps
the list in step with what each package exports.
"""

from difflib import get_close_matches

_NAMES = {
    "geomcore": (
        "activation_pattern affine_map_at AffineMap CircularCone cumulative_parameters "
        "Dataset datasets from_keras from_nnet from_onnx from_sklearn from_torch "
        "input_gradients input_jacobians layer_parameters load Network PolyhedralCone "
        "ReLUNetwork save to_onnx to_torch truncate truncation_defects truncation_degree "
        "truncation_map"
    ),
    "geomcore.datasets": (
        "breast_cancer clusters concentric Dataset digits iris load_table mnist polytope "
        "prepare sequential single_cone spirals wine"
    ),
    "geomcore.layers": ("Affine Layer LpNorm ReLU"),
    "geomcore.plot": (
        "class_style plot_cones plot_data plot_histograms plot_losses plot_margins "
        "plot_outputs plot_piles plot_return plot_truncation"
    ),
    "constructions": (
        "balanced basin_of_return cell_radius Certificate Check check_certificate "
        "construct Construction ConstructionError elimination_order GeometricClassifier "
        "HullCertificate LayerRecord merged Order partial recheck separate Separation "
        "suboptimal suboptimal_family verify"
    ),
    "training": (
        "AccuracyFor Adam BinaryCrossEntropy CrossEntropy L1 L2 largest_curvature "
        "load_study LossBelow MaxNorm NegativePart NonNegative norm_per_scale perturb "
        "perturbation_study PerturbationStudy Plateau return_radius settle Settled SGD "
        "SquaredError StudyResult tensor_names train train_ensemble TrainResult "
        "UnitColumns wilson_interval"
    ),
}
HOMES = {package: frozenset(names.split()) for package, names in _NAMES.items()}


def missing(package, name):
    """The error for a name that a package does not have: it says where the name lives.

    Parameters
    ----------
    package : str
    name : str

    Returns
    -------
    AttributeError

    Examples
    --------
    >>> print(missing("geomcore", "construct"))
    module 'geomcore' has no attribute 'construct': from constructions import construct
    >>> print(missing("geomcore", "ReluNetwork"))
    module 'geomcore' has no attribute 'ReluNetwork', did you mean geomcore.ReLUNetwork?
    """
    text = f"module {package!r} has no attribute {name!r}"
    if name.startswith("_"):
        return AttributeError(text)
    for home, names in HOMES.items():
        if name in names:
            return AttributeError(f"{text}: from {home} import {name}")
    if name in HOMES:
        return AttributeError(f"{text}: import {name}")
    known = {known: home for home, names in reversed(HOMES.items()) for known in names}
    near = get_close_matches(name, known, 1)
    return AttributeError(f"{text}, did you mean {known[near[0]]}.{near[0]}?" if near else text)
