"""Training, studies, experiments and the command line.

Names are loaded when first used, so that the command line starts quickly.
"""

from importlib import import_module

_HOME = {
    "UnitColumns": "constraints",
    "Plateau": "stopping",
    "NonNegative": "constraints",
    "NegativePart": "penalties",
    "MaxNorm": "constraints",
    "L2": "penalties",
    "L1": "penalties",
    "CrossEntropy": "losses",
    "BinaryCrossEntropy": "losses",
    "Adam": "optimizers",
    "AccuracyFor": "stopping",
    "LossBelow": "stopping",
    "PerturbationStudy": "study",
    "SGD": "optimizers",
    "SquaredError": "losses",
    "StudyResult": "study_result",
    "TrainResult": "train_result",
    "largest_curvature": "curvature",
    "load_study": "study_result",
    "norm_per_scale": "perturbation",
    "perturb": "perturbation",
    "perturbation_study": "study",
    "return_radius": "study_basin",
    "tensor_names": "perturbation",
    "train": "trainer",
    "train_ensemble": "trainer",
    "wilson_interval": "wilson",
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
