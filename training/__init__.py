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
    "largest_curvature": "training.descent.curvature",
    "load_study": "training.study.result",
    "norm_per_scale": "training.study.perturbation",
    "perturb": "training.study.perturbation",
    "perturbation_study": "training.study.study",
    "return_radius": "training.study.basin",
    "settle": "training.settling.settle",
    "tensor_names": "geomcore.parameters",
    "film": "training.dynamics.film.film",
    "film_strip": "training.dynamics.film.film",
    "FilmReel": "training.dynamics.film.reel",
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
    "BinaryCrossEntropy",
    "CrossEntropy",
    "FilmReel",
    "LossBelow",
    "LossLadder",
    "MaxNorm",
    "NegativePart",
    "NeuralCollapse",
    "NonNegative",
    "PerturbationStudy",
    "Plateau",
    "Settled",
    "SquaredError",
    "StudyResult",
    "TrainResult",
    "TruncationHistory",
    "TruncationRecorder",
    "UnitColumns",
    "film",
    "film_strip",
    "largest_curvature",
    "load_study",
    "neural_collapse",
    "norm_per_scale",
    "perturb",
    "perturbation_study",
    "return_radius",
    "settle",
    "tensor_names",
    "train",
    "train_ensemble",
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
