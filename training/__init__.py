"""Training, studies, experiments and the command line.

Names are loaded when first used, so that the command line starts quickly.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the same for type checkers, which see no name that is loaded when used
    from geomcore.parameters import tensor_names
    from training.descent.constraints import Box, MaxNorm, NonNegative, UnitColumns, UnitNorm
    from training.descent.curvature import largest_curvature
    from training.descent.losses import BinaryCrossEntropy, CrossEntropy, SquaredError
    from training.descent.optimizers import SGD, Adam
    from training.descent.penalties import L1, L2, NegativePart, SmoothL0
    from training.descent.stopping import AccuracyFor, LossBelow, Plateau
    from training.descent.train_result import TrainResult
    from training.descent.trainer import train, train_ensemble
    from training.dynamics.collapse import NeuralCollapse, neural_collapse
    from training.dynamics.film.film import film, film_strip
    from training.dynamics.film.reel import FilmReel
    from training.dynamics.history import TruncationHistory, TruncationRecorder, truncation_history
    from training.dynamics.ladder import LossLadder
    from training.landscape.bend import bend
    from training.landscape.directions import TrajectoryPlane, random_direction, trajectory_plane
    from training.landscape.lines.barrier import Barrier, barrier
    from training.landscape.lines.exact_slice import ExactSlice, exact_slice
    from training.landscape.matching import matched
    from training.landscape.operators import gauss_newton_operator, hessian, hessian_operator
    from training.landscape.recorder import CurvatureHistory, CurvatureRecorder
    from training.landscape.slices import (
        LossSlice,
        LossSurface,
        interpolate,
        loss_slice,
        loss_surface,
    )
    from training.landscape.spectrum import Spectrum, hessian_spectrum, sharpness
    from training.settling.settle import settle
    from training.settling.settled import Settled
    from training.sparse.autoencoder import SparseAutoencoder
    from training.sparse.coder import NonNegativeSparseCoder
    from training.sparse.result import SparseHistory, SparseResult
    from training.sparse.trainer import train_sparse
    from training.sparse.treatments import InverseSquares
    from training.study.basin import return_radius
    from training.study.perturbation import norm_per_scale, perturb
    from training.study.result import StudyResult, load_study
    from training.study.study import PerturbationStudy, perturbation_study
    from training.study.wilson import wilson_interval

_HOME = {
    "Box": "training.descent.constraints",
    "UnitNorm": "training.descent.constraints",
    "UnitColumns": "training.descent.constraints",
    "Plateau": "training.descent.stopping",
    "NonNegative": "training.descent.constraints",
    "SmoothL0": "training.descent.penalties",
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
    "NonNegativeSparseCoder": "training.sparse.coder",
    "SparseAutoencoder": "training.sparse.autoencoder",
    "SparseResult": "training.sparse.result",
    "SparseHistory": "training.sparse.result",
    "InverseSquares": "training.sparse.treatments",
    "train_sparse": "training.sparse.trainer",
    "film": "training.dynamics.film.film",
    "film_strip": "training.dynamics.film.film",
    "FilmReel": "training.dynamics.film.reel",
}

__all__ = [
    "L1",
    "L2",
    "SGD",
    "AccuracyFor",
    "Adam",
    "Barrier",
    "BinaryCrossEntropy",
    "Box",
    "CrossEntropy",
    "CurvatureHistory",
    "CurvatureRecorder",
    "ExactSlice",
    "FilmReel",
    "InverseSquares",
    "LossBelow",
    "LossLadder",
    "LossSlice",
    "LossSurface",
    "MaxNorm",
    "NegativePart",
    "NeuralCollapse",
    "NonNegative",
    "NonNegativeSparseCoder",
    "PerturbationStudy",
    "Plateau",
    "Settled",
    "SmoothL0",
    "SparseAutoencoder",
    "SparseHistory",
    "SparseResult",
    "Spectrum",
    "SquaredError",
    "StudyResult",
    "TrainResult",
    "TrajectoryPlane",
    "TruncationHistory",
    "TruncationRecorder",
    "UnitColumns",
    "UnitNorm",
    "barrier",
    "bend",
    "exact_slice",
    "film",
    "film_strip",
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
    "train_sparse",
    "trajectory_plane",
    "truncation_history",
    "wilson_interval",
]


if not TYPE_CHECKING:  # or any name would do

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
