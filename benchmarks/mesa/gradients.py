"""Time input gradients of the mesa networks against JAX and PyTorch: ratios within one run.

    python benchmarks/mesa/gradients.py            2-32-1-1, plain and with norms as heads
    python benchmarks/mesa/gradients.py --wide     wide networks against matrix products

All take 100,000 points in double precision. The times are CPU times of the process, all its
threads together, shortest of ``--repeats`` rounds in turns: other programs on the machine
change them little.
"""

import argparse
import time

import numpy as np

from geomcore import Network, ReLUNetwork, input_gradients
from geomcore.layers import Affine, LpNorm, ReLU


def best_of(functions, repeats):
    """The shortest CPU time of each function in ms."""
    best = dict.fromkeys(functions, np.inf)
    for _ in range(repeats):
        for name, function in functions.items():
            start = time.process_time()
            function()
            best[name] = min(best[name], 1e3 * (time.process_time() - start))
    return best


def head(library, p, W, b, h):
    """The head of order p, None for an affine one, of rows h; W has been cast."""
    if p is None:
        return h @ W.T + b
    if p == 1:
        return h @ abs(W).T + b
    if p == 2:
        return library.sqrt((h * h) @ (W * W).T) + b
    # Without a small number derivatives would be nan where all units are off.
    return ((h[..., None, :] * abs(W) + 1e-12) ** p).sum(-1) ** (1 / p) + b


def with_jax(parts, p, X):
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    W1, b1, W2, b2, W3, b3 = map(jnp.asarray, parts)

    def scalar(x):
        z = head(jnp, p, W2, b2, jnp.maximum(W1 @ x + b1, 0))
        return (W3 @ jnp.maximum(z, 0) + b3)[0]

    gradient, X = jax.jit(jax.vmap(jax.grad(scalar))), jnp.asarray(X)
    return lambda: np.asarray(gradient(X))


def with_torch(parts, p, X):
    import torch

    W1, b1, W2, b2, W3, b3 = map(torch.tensor, parts)

    def run():
        x = torch.tensor(X, requires_grad=True)
        z = head(torch, p, W2, b2, torch.relu(x @ W1.T + b1))
        (torch.relu(z) @ W3.T + b3).sum().backward()
        return x.grad.numpy()

    return run


def compare(p, repeats):
    """One row: milliseconds of this project, and how often that the others take."""
    rng = np.random.default_rng(0)
    parts = [rng.normal(size=s) for s in ((32, 2), 32, (1, 32), 1, (1, 1), 1)]
    X = rng.normal(size=(100_000, 2))
    W1, b1, W2, b2, W3, b3 = parts
    middle = Affine(W2, b2) if p is None else LpNorm(W2, b2, p)
    net = Network([Affine(W1, b1), ReLU(), middle, ReLU(), Affine(W3, b3)])
    functions = {"ours": lambda: input_gradients(net, X)}
    for name, make in (("JAX", with_jax), ("PyTorch", with_torch)):
        try:
            functions[name] = make(parts, p, X)
        except ImportError:
            continue
        np.testing.assert_allclose(functions[name](), functions["ours"](), rtol=1e-6, atol=1e-6)
    best = best_of(functions, repeats)
    others = ", ".join(f"{k} {v / best['ours']:.1f} times" for k, v in best.items() if k != "ours")
    print(f"2-32-1-1, order {p}: {best['ours']:.2f} ms; {others}", flush=True)


def wide(repeats):
    """CPU time of gradients over that of the two products that they need."""
    rng = np.random.default_rng(0)
    for width, n in ((256, 10_000), (784, 4000)):
        W = rng.normal(size=(width, width)) / np.sqrt(width)
        net = ReLUNetwork([W, rng.normal(size=(1, width))], [np.zeros(width), [0.0]])
        X = rng.normal(size=(n, width))
        out = np.empty_like(X)
        times = {
            "ours": lambda net=net, X=X: input_gradients(net, X),
            "products": lambda X=X, W=W, out=out: [np.matmul(X, V, out=out) for V in (W.T, W)],
            "new memory": lambda X=X, W=W, out=out: (np.matmul(X, W.T, out=out), X @ W),
        }
        best = best_of(times, repeats)
        written, fresh = (best["ours"] / best[k] for k in ("products", "new memory"))
        print(
            f"{width}-{width}-1, {n:,} points: {written:.2f} times two products into memory that "
            f"is there, {fresh:.2f} times two of which one makes a new array, as ours is",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--wide", action="store_true")
    arguments = parser.parse_args()
    if arguments.wide:
        wide(arguments.repeats)
    else:
        for p in (None, 1, 2, 3.5):
            compare(p, arguments.repeats)


if __name__ == "__main__":
    main()
