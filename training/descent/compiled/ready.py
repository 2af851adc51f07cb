"""Having the steps compiled before they are needed, beside something else."""

import threading
from contextlib import contextmanager

import numpy as np

from geomcore import ReLUNetwork
from geomcore.stack import stack
from training.descent.losses import SquaredError
from training.descent.optimizers import SGD
from training.descent.problem import as_plan, as_problem


@contextmanager
def compiled_beside():
    """Have the steps compiled, or loaded, by a thread of its own; wait for it at the end.

    What needs them inside waits for numba, which compiles one function at a time and one version
    of each.
    """
    thread = threading.Thread(target=compile_steps)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def compile_steps():
    """Compile the kernel of the steps, or load it, and then what it needs for wide layers.

    Not by `training.train`, which limits the threads of matrix products in the whole process.
    """
    # numba takes half a second.
    from training.descent.compiled.ensemble_descent import EnsembleDescent
    from training.descent.compiled.layers import WIDE

    for width in (1, WIDE):
        net = ReLUNetwork([np.ones((width, 1))], [np.zeros(width)])
        stacked, params = stack([net])
        problem = as_problem(net, [[1.0]], [[1.0] * width], SquaredError())
        plan = as_plan(1, SGD(0.1), None, False, 0, (), (), (), (), None)
        EnsembleDescent(stacked, problem, plan).run(params, [None])
