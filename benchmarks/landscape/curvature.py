"""Products with the Hessian: against a gradient, and against PyTorch on the same network.

python benchmarks/landscape/curvature.py [--torch]
"""

import argparse
import time
from itertools import pairwise

import numpy as np
from timing import best_of

from geomcore import ReLUNetwork
from geomcore.threads import single_threaded_blas
from training.landscape.operators import Curvature
from training.landscape.spectrum import hessian_spectrum

SHAPES = (((3, 3, 3, 3, 3), 300), ((4, 18, 18, 3), 150), ((10, 90, 90, 9), 500))


def case(widths, points, rng):
    """A network with scaled normal weights, points and targets."""
    weights = [rng.normal(size=(m, n)) / np.sqrt(n) for n, m in pairwise(widths)]
    net = ReLUNetwork(weights, [0.3 * rng.normal(size=m) for m in widths[1:]])
    return net, rng.normal(size=(points, widths[0])), rng.normal(size=(points, widths[-1]))


def of_torch(net, X, Y, v):
    """Functions that compute gradient and product by `torch.func`."""
    import torch
    from torch.func import functional_call, grad, jvp

    from geomcore.interop import to_torch

    torch.set_num_threads(1)
    model = to_torch(net).double()
    X, Y = torch.tensor(X), torch.tensor(Y)
    names = [name for name, _ in model.named_parameters()]
    params = {name: p.detach() for name, p in model.named_parameters()}
    ends = np.cumsum([p.numel() for p in params.values()])[:-1]
    parts = np.split(v, ends)
    along = {
        name: torch.tensor(part.reshape(params[name].shape))
        for name, part in zip(names, parts, strict=True)
    }

    def loss(p):
        return ((functional_call(model, p, (X,)) - Y) ** 2).sum(dim=1).mean()

    def product():
        moved = jvp(grad(loss), (params,), (along,))[1]
        return np.concatenate([moved[name].detach().numpy().ravel() for name in names])

    return lambda: grad(loss)(params), product


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--torch", action="store_true", help="PyTorch beside it")
    given = parser.parse_args()
    rng = np.random.default_rng(0)
    for widths, points in SHAPES:
        net, X, Y = case(widths, points, rng)
        v = rng.normal(size=net.parameter_count)
        with single_threaded_blas():
            here = Curvature(net, X, Y)
            stacked, params = here._stacked, here._params

            def gradient(stacked=stacked, params=params, here=here, X=X, Y=Y):
                outputs = stacked.forward(params, X)
                return stacked.backward(params, outputs, 2 * (outputs[-1] - Y) / len(X))

            ways = [gradient, lambda here=here, v=v: here.hessian_times(v)]
            if given.torch:
                ways += of_torch(net, X, Y, v)
            times, results = best_of(ways, 50)
        ratio = times[1] / times[0]
        text = f"{'-'.join(map(str, widths))}, {points} points: product / gradient {ratio:.2f}"
        if given.torch:
            off = np.abs(results[1] - results[3]).max() / np.abs(results[3]).max()
            text += (
                f"; PyTorch: its gradient {times[2] / times[0]:.1f} times ours, its product "
                f"{times[3] / times[1]:.1f} times ours, which differ by {off:.0e}"
            )
        print(text)
    start = time.process_time()
    found = hessian_spectrum(net, X, Y, probes=5)
    print(
        f"{net.parameter_count:,} parameters: ten eigenpairs at either end, trace and density in "
        f"{time.process_time() - start:.1f} s of a core; largest {found.top[0]:.6g}"
    )


if __name__ == "__main__":
    main()
