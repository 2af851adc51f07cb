"""Training, studies, experiments and the command line.

Names are loaded when first used, so that the command line starts quickly.
"""

from importlib import import_module

_HOME = {
    "UnitColumns": "training.descent.constraints",
    "Plateau": "training.descent.stopping",
    "NonNegative": "training.descent.constraints",
    "NegativePart": "training.descent.penalties",
    "MaxNorm": "training.descent.constraints",
    "L2": "training.descent.penalties",
    "L1": "training.descent.penalties",
    "CrossEntropy": "training.descent.losses",
    "BinaryCrossEntropy": "training.descent.losses",
    "Adam": "training.descent.optimizers",
    "AccuracyFor": "training.descent.stopping",
    "LossLadder": "training.dynamics.ladder",
    "LossBelow": "training.descent.stopping",
    "PerturbationStudy": "training.study.study",
    "SGD": "training.descent.optimizers",
    "SquaredError": "training.descent.losses",
    "StudyResult": "training.study.result",
    "TrainResult": "training.descent.train_result",
    "Settled": "training.settling.settled",
    "neural_collapse": "training.dynamics.collapse",
    "NeuralCollapse": "training.dynamics.collapse",
    "Barrier": "training.landscape.lines.barrier",
    "ExactSlice": "training.landscape.lines.exact_slice",
    "barrier": "training.landscape.lines.barrier",
    "exact_slice": "training.landscape.lines.exact_slice",
    "largest_curvature": "training.descent.curvature",
    "matched": "training.landscape.matching",
    "CurvatureHistory": "training.landscape.recorder",
    "CurvatureRecorder": "training.landscape.recorder",
    "bend": "training.landscape.bend",
    "LossSlice": "training.landscape.slices",
    "LossSurface": "training.landscape.slices",
    "TrajectoryPlane": "training.landscape.directions",
    "interpolate": "training.landscape.slices",
    "loss_slice": "training.landscape.slices",
    "loss_surface": "training.landscape.slices",
    "random_direction": "training.landscape.directions",
    "trajectory_plane": "training.landscape.directions",
    "Spectrum": "training.landscape.spectrum",
    "gauss_newton_operator": "training.landscape.operators",
    "hessian": "training.landscape.operators",
    "hessian_operator": "training.landscape.operators",
    "hessian_spectrum": "training.landscape.spectrum",
    "sharpness": "training.landscape.spectrum",
    "load_study": "training.study.result",
    "norm_per_scale": "training.study.perturbation",
    "perturb": "training.study.perturbation",
    "perturbation_study": "training.study.study",
    "return_radius": "training.study.basin",
    "settle": "training.settling.settle",
    "tensor_names": "geomcore.parameters",
    "TruncationHistory": "training.dynamics.history",
    "TruncationRecorder": "training.dynamics.history",
    "truncation_history": "training.dynamics.history",
    "train": "training.descent.trainer",
    "train_ensemble": "training.descent.trainer",
    "wilson_interval": "training.study.wilson",
}

__all__ = [
    "L1",
    "L2",
    "SGD",
    "AccuracyFor",
    "Adam",
    "Barrier",
    "BinaryCrossEntropy",
    "CrossEntropy",
    "CurvatureHistory",
    "CurvatureRecorder",
    "ExactSlice",
    "LossBelow",
    "LossLadder",
    "LossSlice",
    "LossSurface",
    "MaxNorm",
    "NegativePart",
    "NeuralCollapse",
    "NonNegative",
    "PerturbationStudy",
    "Plateau",
    "Settled",
    "Spectrum",
    "SquaredError",
    "StudyResult",
    "TrainResult",
    "TrajectoryPlane",
    "TruncationHistory",
    "TruncationRecorder",
    "UnitColumns",
    "barrier",
    "bend",
    "exact_slice",
    "gauss_newton_operator",
    "hessian",
    "hessian_operator",
    "hessian_spectrum",
    "interpolate",
    "largest_curvature",
    "load_study",
    "loss_slice",
    "loss_surface",
    "matched",
    "neural_collapse",
    "norm_per_scale",
    "perturb",
    "perturbation_study",
    "random_direction",
    "return_radius",
    "settle",
    "sharpness",
    "tensor_names",
    "train",
    "train_ensemble",
    "trajectory_plane",
    "truncation_history",
    "wilson_interval",
]


def __getattr__(name):
    if name not in _HOME:
        from geomcore.names import missing

        raise missing("training", name)
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__():
    from geomcore.names import listing

    return listing(globals())
