"""Training, studies, experiments and the command line.

Names are loaded when first used, so that the command line starts quickly.
"""

from importlib import import_module

_HOME = {
    "UnitColumns": "descent.constraints",
    "Plateau": "descent.stopping",
    "NonNegative": "descent.constraints",
    "NegativePart": "descent.penalties",
    "MaxNorm": "descent.constraints",
    "L2": "descent.penalties",
    "L1": "descent.penalties",
    "CrossEntropy": "descent.losses",
    "BinaryCrossEntropy": "descent.losses",
    "Adam": "descent.optimizers",
    "AccuracyFor": "descent.stopping",
    "LossBelow": "descent.stopping",
    "PerturbationStudy": "study.study",
    "SGD": "descent.optimizers",
    "SquaredError": "descent.losses",
    "StudyResult": "study.result",
    "TrainResult": "descent.train_result",
    "largest_curvature": "descent.curvature",
    "load_study": "study.result",
    "norm_per_scale": "study.perturbation",
    "perturb": "study.perturbation",
    "perturbation_study": "study.study",
    "return_radius": "study.basin",
    "tensor_names": "study.perturbation",
    "train": "descent.trainer",
    "train_ensemble": "descent.trainer",
    "wilson_interval": "study.wilson",
}

__all__ = [
    "L1",
    "L2",
    "SGD",
    "AccuracyFor",
    "Adam",
    "BinaryCrossEntropy",
    "CrossEntropy",
    "LossBelow",
    "MaxNorm",
    "NegativePart",
    "NonNegative",
    "PerturbationStudy",
    "Plateau",
    "SquaredError",
    "StudyResult",
    "TrainResult",
    "UnitColumns",
    "largest_curvature",
    "load_study",
    "norm_per_scale",
    "perturb",
    "perturbation_study",
    "return_radius",
    "tensor_names",
    "train",
    "train_ensemble",
    "wilson_interval",
]


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'training' has no attribute {name!r}")
    value = getattr(import_module(f"training.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
