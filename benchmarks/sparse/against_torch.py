"""Time an epoch of a sparse autoencoder against the same loop in PyTorch: ratios within one run.

    PYTHONPATH=benchmarks python benchmarks/sparse/against_torch.py              all cases
    PYTHONPATH=benchmarks python benchmarks/sparse/against_torch.py --loop 10 --dtype float32
    PYTHONPATH=benchmarks python benchmarks/sparse/against_torch.py --trainer    and training.train

100,000 points of 64 coordinates, 128 units, columns made unit vectors after each step of Adam, in
the fused form that PyTorch has for it. Both start at the same tensors and see the same shuffles,
and must end at the same loss. Both have ``--threads`` threads; with one thread it is CPU time,
which other programs change little, else seconds on the clock; the shortest of ``--repeats`` rounds
in turns. Ours takes down its records, as it always does. ``--trainer``
adds `train` on the plain network of the same widths, without penalty or treatment: what such a
loop costs there.
"""

import argparse
import time
from functools import partial

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from geomcore import ReLUNetwork
from training import Adam, SparseAutoencoder, train, train_sparse

POINTS, D, UNITS, GAMMA, PENALTY = 100_000, 64, 128, 0.1, 0.1


def best_of(functions, repeats, clock):
    """Shortest seconds of each function, called in turns, and what each returned last."""
    best, results = [np.inf] * len(functions), [None] * len(functions)
    for _ in range(repeats):
        for i, function in enumerate(functions):
            begin = clock()
            results[i] = function()
            best[i] = min(best[i], clock() - begin)
    return best, results


def problem(dtype):
    """Points of a sparse dictionary, and where to start."""
    rng = np.random.default_rng(0)
    columns = rng.normal(size=(D, UNITS))
    columns /= np.linalg.norm(columns, axis=0)
    codes = rng.exponential(size=(POINTS, UNITS)) * (rng.random((POINTS, UNITS)) < 0.05)
    X = (codes @ columns.T).astype(dtype)
    W = rng.normal(size=(D, UNITS))
    W /= np.linalg.norm(W, axis=0)
    # So that both start at the same numbers in single precision, too.
    W = W.astype(np.float32)
    return X, SparseAutoencoder(W.T, np.zeros(UNITS), W, np.zeros(D), gamma=GAMMA)


def ours(X, start, loop, size, epochs):
    """An epoch of `train_sparse`; returns the autoencoder."""
    steps = epochs * -(-len(X) // size)
    return train_sparse(
        X,
        UNITS,
        penalty=PENALTY,
        loop=loop,
        gamma=GAMMA,
        steps=steps,
        batch_size=size,
        start=start,
        rng=0,
    ).autoencoder


def shuffles(epochs):
    """Those of `train_sparse`, drawn beforehand."""
    rng = np.random.default_rng(0)
    return [
        torch.from_numpy(rng.permuted(np.arange(POINTS)[None], axis=1)[0]) for _ in range(epochs)
    ]


def with_torch(X, start, loop, size, orders):
    """The same in PyTorch; returns the autoencoder."""
    points = torch.from_numpy(X)
    like = {"dtype": points.dtype}
    W_e, b_e, W_d, b_d = (
        torch.tensor(t, **like).requires_grad_()
        for t in (start.W_e, start.b_e, start.W_d, start.b_d)
    )
    eye = torch.eye(UNITS, **like)
    optimizer = torch.optim.Adam([W_e, b_e, W_d, b_d], lr=1e-3, fused=True)
    for order in orders:
        for rows in order.split(size):
            x = points[rows]
            first = torch.addmm(b_e, x, W_e.T)
            mu, z = first, torch.relu(first)
            if loop:
                G = W_d.T @ W_d - eye
            for _ in range(loop):
                mu = mu + GAMMA * (first - z @ G.T - mu)
                z = torch.relu(mu)
            missed = torch.addmm(b_d, z, W_d.T) - x
            loss = (0.5 * (missed * missed).sum() + PENALTY * z.sum()) / len(x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                W_d /= torch.linalg.vector_norm(W_d, dim=0)
    tensors = (t.detach().numpy() for t in (W_e, b_e, W_d, b_d))
    return SparseAutoencoder(*tensors, loop=loop, gamma=GAMMA)


def with_train(X, start, size, epochs):
    """`train` on the plain network of these widths, in float64."""
    net = ReLUNetwork([start.W_e, start.W_d], [start.b_e, start.b_d])
    steps = epochs * -(-len(X) // size)
    options = {"batch_size": size, "steps": steps, "record": steps, "rng": 0}
    return train(net, X, X, optimizer=Adam(), **options)


def compare(loop, dtype, size, options):
    """One row: seconds of an epoch, ratios to ours."""
    X, start = problem(dtype)
    orders = shuffles(options.epochs)
    ways = {
        "ours": partial(ours, X, start, loop, size, options.epochs),
        "torch": partial(with_torch, X, start, loop, size, orders),
    }
    if options.trainer and loop == 0 and dtype == "float64":
        ways["train"] = partial(with_train, X, start, size, options.epochs)
    clock = time.process_time if options.threads == 1 else time.perf_counter
    with threadpool_limits(options.threads):
        torch.set_num_threads(options.threads)
        seconds, found = best_of(list(ways.values()), options.repeats, clock)
    objectives = [a.objective(X[:5000], penalty=PENALTY) for a in found[:2]]
    np.testing.assert_allclose(*objectives, rtol=1e-6 if dtype == "float64" else 1e-2)
    told = "  ".join(
        f"{name} {s / options.epochs:.3f} s ({s / seconds[0]:.2f})"
        for name, s in zip(ways, seconds, strict=True)
    )
    print(f"loop {loop:2d}  {dtype}  batches of {size:4d}  {told}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--loop", type=int, nargs="*", default=[0, 10])
    parser.add_argument("--dtype", nargs="*", default=["float32", "float64"])
    parser.add_argument("--batch", type=int, nargs="*", default=[256, 1024])
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--trainer", action="store_true")
    options = parser.parse_args()
    for loop in options.loop:
        for dtype in options.dtype:
            for size in options.batch:
                compare(loop, dtype, size, options)


if __name__ == "__main__":
    main()
