"""Time the compiled ensemble engine: microseconds per trial and step, ratios within one run.

    python benchmarks/ensemble.py             reference task against NumPy, JAX and PyTorch
    python benchmarks/ensemble.py --sizes     where compiled loops and matrix products cross
    python benchmarks/ensemble.py --growth    cost against trials, steps and points, with a plot
    python benchmarks/ensemble.py --large     10,000 trials of 2,000 steps

JAX and PyTorch take part if they are installed. All do the same steps of plain
gradient descent on the mean squared error in double precision, and all may use
all cores; shuffles are part of the time except for JAX and PyTorch, which get
theirs drawn beforehand. Times are the shortest of ``--repeats`` rounds in turns.
"""

import argparse
import resource
import time
from itertools import pairwise

import numpy as np
from timing import best_of

from geomcore import ReLUNetwork
from geomcore.stack import stack
from geomcore.threads import core_count
from training.descent.optimizers import SGD
from training.descent.trainer import train_ensemble

RATE = 0.01


def problem(widths, n, trials, seed=0):
    """Random networks, points and targets."""
    rng = np.random.default_rng(seed)
    networks = [
        ReLUNetwork(
            [rng.normal(size=(m, k)) / np.sqrt(k) for k, m in pairwise(widths)],
            [0.1 * rng.normal(size=m) for m in widths[1:]],
        )
        for _ in range(trials)
    ]
    return networks, rng.normal(size=(n, widths[0])), rng.normal(size=(n, widths[-1]))


def ours(engine, networks, X, Y, steps, batch_size, jobs=None):
    """A function that trains with one of the project's engines and returns the final losses."""
    options = {"engine": engine, "batch_size": batch_size, "steps": steps, "record": steps}

    def run():
        return train_ensemble(
            networks,
            X,
            Y,
            optimizer=SGD(RATE),
            rngs=range(len(networks)),
            jobs=jobs or core_count(),
            **options,
        ).final_losses

    return run


def shuffled_rows(n, trials, steps, batch_size):
    """Rows of every batch, shape (T, steps, batch), as the trainer draws them."""
    per_epoch = n // batch_size
    rows = np.empty((trials, steps, batch_size), dtype=np.int64)
    for t in range(trials):
        rng = np.random.default_rng(t)
        for start in range(0, steps, per_epoch):
            order = rng.permuted(np.arange(n))[: per_epoch * batch_size].reshape(per_epoch, -1)
            rows[t, start : start + per_epoch] = order[: steps - start]
    return rows


def jax_scan(networks, X, Y, steps, batch_size):
    """The same in JAX: jit of vmap over trials of scan over steps."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    X, Y = jnp.asarray(X), jnp.asarray(Y)
    params = [jnp.asarray(p) for p in stack(networks)[1]]

    def loss(params, X, Y):
        for l in range(0, len(params), 2):
            X = X @ params[l].T + params[l + 1]
            X = jnp.maximum(X, 0) if l + 2 < len(params) else X
        return jnp.mean(jnp.sum((X - Y) ** 2, axis=1))

    def trial(params, rows):
        def step(params, at):
            batch = (X, Y) if at is None else (X[at], Y[at])
            gradient = jax.grad(loss)(params, *batch)
            return [p - RATE * g for p, g in zip(params, gradient, strict=True)], None

        return loss(jax.lax.scan(step, params, rows, length=steps)[0], X, Y)

    if batch_size is None:
        train = jax.jit(jax.vmap(lambda params: trial(params, None)))
        return lambda: np.asarray(train(params))
    rows = jnp.asarray(shuffled_rows(len(X), len(networks), steps, batch_size))
    train = jax.jit(jax.vmap(trial))
    return lambda: np.asarray(train(params, rows))


def torch_batched(networks, X, Y, steps, batch_size):
    """The same in torch.func: vmap over trials of grad, a Python loop over steps."""
    import torch

    X, Y = torch.tensor(X), torch.tensor(Y)
    start = [torch.tensor(p) for p in stack(networks)[1]]
    rows = None
    if batch_size is not None:
        rows = torch.tensor(shuffled_rows(len(X), len(networks), steps, batch_size))

    def loss(params, X, Y):
        for l in range(0, len(params), 2):
            X = X @ params[l].T + params[l + 1]
            X = torch.relu(X) if l + 2 < len(params) else X
        return ((X - Y) ** 2).sum(1).mean()

    one_batch = None if rows is None else 0
    gradient = torch.func.vmap(torch.func.grad(loss), in_dims=(0, one_batch, one_batch))

    def run():
        params = start
        with torch.no_grad():
            for step in range(steps):
                batch = (X, Y) if rows is None else (X[rows[:, step]], Y[rows[:, step]])
                moves = gradient(params, *batch)
                params = [p - RATE * g for p, g in zip(params, moves, strict=True)]
        return torch.func.vmap(loss, in_dims=(0, None, None))(params, X, Y).numpy()

    return run


def torch_loop(networks, X, Y, steps, batch_size):
    """The same as people write it first: a loop over trials, autograd and an optimizer."""
    import torch

    X, Y = torch.tensor(X), torch.tensor(Y)
    rows = None
    if batch_size is not None:
        rows = torch.tensor(shuffled_rows(len(X), len(networks), steps, batch_size))

    def run():
        losses = []
        for t, net in enumerate(networks):
            parts = []
            for W, b in zip(net.weights, net.biases, strict=True):
                layer = torch.nn.Linear(W.shape[1], W.shape[0], dtype=torch.float64)
                with torch.no_grad():
                    layer.weight.copy_(torch.tensor(W))
                    layer.bias.copy_(torch.tensor(b))
                parts += [layer, torch.nn.ReLU()]
            model = torch.nn.Sequential(*parts[:-1])
            optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
            for step in range(steps):
                batch = (X, Y) if rows is None else (X[rows[t, step]], Y[rows[t, step]])
                optimizer.zero_grad()
                ((model(batch[0]) - batch[1]) ** 2).sum(1).mean().backward()
                optimizer.step()
            with torch.no_grad():
                losses.append(((model(X) - Y) ** 2).sum(1).mean().item())
        return np.array(losses)

    return run


def compare(widths, n, trials, steps, batch_size, repeats, others=True):
    """Print microseconds per trial and step of every way, and its ratio to the compiled one."""
    task = problem(widths, n, trials)
    # What is slow gets fewer trials and steps.
    few, short = min(trials, 4), max(steps // 10, 10)
    ways = [
        ("compiled", ours("compiled", *task, steps, batch_size), trials, steps),
        ("compiled, one thread", ours("compiled", *task, steps, batch_size, 1), trials, steps),
        ("NumPy", ours("numpy", *task, steps, batch_size), trials, steps),
        ("NumPy, one thread", ours("numpy", *task, steps, batch_size, 1), trials, steps),
    ]
    makers = [("JAX", jax_scan, trials, steps), ("torch.func", torch_batched, trials, short)]
    makers += [("PyTorch loop", torch_loop, few, short)]
    for name, make, count, length in makers if others else ():
        try:
            run = make(task[0][:count], *task[1:], length, batch_size)
        except ImportError:
            print(f"{name}: not installed")
            continue
        ways.append((name, run, count, length))
        # A last partial batch would be of another shape: JAX and PyTorch drop it.
        if batch_size is None or n % batch_size == 0:
            expected = ours("numpy", task[0][:count], *task[1:], length, batch_size)()
            np.testing.assert_allclose(run(), expected, rtol=1e-6, err_msg=name)
    for _, run, _, _ in ways:
        run()
    seconds, _ = best_of([run for _, run, _, _ in ways], repeats)
    batch = "full batch" if batch_size is None else f"batches of {batch_size}"
    print(f"widths {'-'.join(map(str, widths))}, {n} points, {trials} trials, {batch}")
    each = [1e6 * t / c / s for t, (_, _, c, s) in zip(seconds, ways, strict=True)]
    for (name, _, _, _), value in zip(ways, each, strict=True):
        print(f"  {name:22s} {value:10.2f} us {value / each[0]:8.1f}", flush=True)


def large():
    """10,000 trials of 2,000 full-batch steps: seconds, and megabytes beyond the start."""
    networks, X, Y = problem((3, 3, 3, 3, 3), 300, 10_000)
    ours("compiled", networks[:1], X, Y, 100, None)()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    ours("compiled", networks, X, Y, 2000, None)()
    seconds = time.perf_counter() - start
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"10,000 trials of 2,000 steps: {seconds:.1f} s, {memory:.0f} MB more")


def growth(path):
    """Seconds against trials, steps and points, and the slopes of their logarithms; a plot."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(10, 3), sharey=True, layout="constrained")
    base = {"trials": 64, "steps": 200, "points": 300}
    sizes = {
        "trials": [32, 64, 128, 256, 512],
        "steps": [100, 200, 400, 800, 1600],
        "points": [150, 300, 600, 1200, 2400],
    }
    for ax, (name, values) in zip(axes, sizes.items(), strict=True):
        taken = []
        for value in values:
            here = {**base, name: value}
            task = problem((3, 3, 3, 3, 3), here["points"], here["trials"])
            run = ours("compiled", *task, here["steps"], None, 1)
            run()
            taken.append(best_of([run], 5)[0][0])
        slope = np.polyfit(np.log(values), np.log(taken), 1)[0]
        print(f"{name}: {np.round(taken, 4).tolist()} s at {values}, slope {slope:.2f}", flush=True)
        ax.loglog(values, taken, "o-")
        ax.set(xlabel=name, title=f"slope {slope:.2f}")
    axes[0].set_ylabel("seconds, one thread")
    if path:
        figure.savefig(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--sizes", action="store_true")
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--plot", help="file for the plot of --growth")
    arguments = parser.parse_args()
    repeats, steps = arguments.repeats, arguments.steps
    if arguments.sizes:
        for w in (3, 8, 16, 24, 32, 48):
            for batch_size in (None, 32):
                compare((w,) * 4, 300, 16, 40, batch_size, repeats, others=False)
    elif arguments.growth:
        growth(arguments.plot)
    elif arguments.large:
        large()
    else:
        compare((3, 3, 3, 3, 3), 300, 256, steps, None, repeats)
        compare((3, 3, 3, 3, 3), 300, 256, steps, 32, repeats)
        compare((64, 64, 64), 2000, 8, steps // 20, None, repeats)


if __name__ == "__main__":
    main()
