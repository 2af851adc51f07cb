"""The kernels, called as a user's own compiled code would call them."""

import os
import subprocess
import sys

import naive
import numpy as np
import pytest
from builders import random_network, random_points
from numba import njit, prange

from geomcore import PolyhedralCone, kernels, truncation_map
from geomcore.threads import core_count, in_parts

# Loops, BLAS (more than kernels.SMALL weights), both, and no hidden layer.
WIDTHS = [(2, 32, 1, 1), (3, 3, 3), (1, 1, 1), (4, 2), (5, 40, 30, 3), (20, 20, 2), (1, 300, 1)]
# Less than one tile, whole tiles, and a rest.
COUNTS = [0, 1, kernels.TILE, 2 * kernels.TILE + 37]


@njit
def score(parameters, widths, X):
    """A user's own function: squared gradients at the points with few active units."""
    outputs = np.empty((len(X), widths[-1]))
    active = np.empty((len(X), widths[1:-1].sum()), np.bool_)
    gradients = np.empty_like(X)
    kernels.forward(parameters, widths, X, outputs)
    kernels.activation_pattern(parameters, widths, X, active)
    kernels.input_gradients(parameters, widths, X, 0, gradients)
    total = 0.0
    for i in range(len(X)):
        if 2 * active[i].sum() <= active.shape[1]:
            total += (gradients[i] ** 2).sum() + outputs[i, 0]
    return total


@njit
def truncated_mean(W, b, X):
    """A user's own function: mean of the truncated points, relative to the base."""
    base, edges = kernels.pseudoinverse_cone(W, b, 1e-15)
    out = np.empty_like(X)
    kernels.truncation_map(W, b, edges.T.copy(), X, out)
    mean = np.zeros(len(base))
    for i in range(len(X)):
        mean += out[i] - base
    return mean / len(X)


@njit
def last_cumulative_bias(parameters, widths):
    return kernels.cumulative_parameters(parameters, widths)[-1]


@njit(parallel=True)
def in_parallel(parameters, widths, X, out):
    for i in prange(len(X)):
        kernels.input_gradients(parameters, widths, X[i : i + 1], 0, out[i : i + 1])


def test_kernels_are_called_from_compiled_code():
    net = random_network((3, 8, 6, 1))
    parameters, widths = net.packed()
    X = random_points(300, 3)
    wanted = 0.0
    for x in X:
        values = naive.relu_layers(net.weights, net.biases, x)
        if 2 * sum((z > 0).sum() for z in values[:-1]) <= 14:
            A = np.eye(3)
            for W, z in zip(net.weights, values, strict=True):
                A = W @ A
                A = A if z is values[-1] else A * (z > 0)[:, None]
            wanted += (A**2).sum() + values[-1][0]
    assert score(parameters, widths, X) == pytest.approx(wanted, rel=1e-10)


def test_cones_and_truncation_maps_are_called_from_compiled_code():
    rng = np.random.default_rng(2)
    W, b = rng.normal(size=(3, 3)), rng.normal(size=3)
    X = random_points(200, 3)
    base = -np.linalg.solve(W, b)
    wanted = np.mean([naive.truncated(W, b, x) for x in X], axis=0) - base
    np.testing.assert_allclose(truncated_mean(W, b, X), wanted, atol=1e-10)


def test_cumulative_parameters_are_called_from_compiled_code():
    net = random_network((3, 4, 2, 1))
    wanted = naive.composed(net.weights, net.biases)[1][-1][-1]
    assert last_cumulative_bias(*net.packed()) == pytest.approx(wanted)


def test_kernels_run_inside_a_parallel_loop():
    net = random_network((2, 4, 1))
    X = random_points(200, 2)
    found, wanted = np.empty_like(X), np.empty_like(X)
    in_parallel(*net.packed(), X, found)
    kernels.input_gradients(*net.packed(), X, 0, wanted)
    np.testing.assert_allclose(found, wanted, rtol=1e-14)


@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("n", COUNTS)
def test_outputs_and_patterns_are_those_of_the_loops(widths, n):
    net = random_network(widths)
    X = random_points(n, widths[0])
    out = np.full((n, widths[-1]), np.nan)
    active = np.empty((n, sum(widths[1:-1])), bool)
    kernels.forward(*net.packed(), X, out)
    kernels.activation_pattern(*net.packed(), X, active)
    for x, y, pattern in zip(X, out, active, strict=True):
        values = naive.relu_layers(net.weights, net.biases, x)
        np.testing.assert_allclose(y, values[-1], rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(pattern, np.concatenate([[], *values[:-1]]) > 0)


@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("n", COUNTS)
def test_gradients_are_products_of_the_active_weights(widths, n):
    net = random_network(widths)
    X = random_points(n, widths[0])
    for output in {0, widths[-1] - 1}:
        out = np.full(X.shape, np.nan)
        kernels.input_gradients(*net.packed(), X, output, out)
        for x, found in zip(X, out, strict=True):
            values = naive.relu_layers(net.weights, net.biases, x)
            A = np.eye(widths[0])
            for W, z in zip(net.weights[:-1], values[:-1], strict=True):
                A = (W @ A) * (z > 0)[:, None]
            wanted = (net.weights[-1] @ A)[output]
            np.testing.assert_allclose(found, wanted, atol=1e-11 * max(1, np.abs(wanted).max()))


@pytest.mark.parametrize("widths", WIDTHS)
def test_packed_cumulative_parameters_are_those_of_the_composed_maps(widths):
    net = random_network(widths)
    Ws, bs = naive.composed(net.weights, net.biases)
    wanted = np.concatenate([np.append(W.ravel(), b) for W, b in zip(Ws, bs, strict=True)])
    found = kernels.cumulative_parameters(*net.packed())
    np.testing.assert_allclose(found, wanted, atol=1e-11 * np.abs(wanted).max())


@pytest.mark.parametrize("shape", [(3, 3), (2, 5), (5, 2), (1, 1), (30, 30)])
@pytest.mark.parametrize("n", COUNTS)
def test_truncated_points_have_least_norm(shape, n):
    rng = np.random.default_rng(1)
    W, b = np.eye(*shape) + 0.1 * rng.normal(size=shape), rng.normal(size=shape[0])
    X = random_points(n, shape[1])
    out = np.full(X.shape, np.nan)
    kernels.truncation_map(W, b, np.linalg.pinv(W), X, out)
    limit = 1e-10 * np.linalg.cond(W) ** 2
    for x, found in zip(X[:50], out, strict=False):
        np.testing.assert_allclose(found, naive.truncated(W, b, x), atol=limit)
    np.testing.assert_allclose(out, truncation_map(W, b, X), atol=limit)


def test_the_cone_of_a_layer_is_that_of_the_checked_class():
    rng = np.random.default_rng(1)
    W, b = rng.normal(size=(2, 4)), rng.normal(size=2)
    base, edges = kernels.pseudoinverse_cone(W, b, 1e-15)
    cone = PolyhedralCone.from_layer(W, b)
    np.testing.assert_allclose(base, cone.base, atol=1e-13)
    np.testing.assert_allclose(edges, cone.edges, atol=1e-13)


def test_the_cone_of_a_rank_deficient_layer_uses_the_pseudoinverse():
    base, edges = kernels.pseudoinverse_cone(np.ones((2, 2)), np.array([1.0, 3.0]), 1e-10)
    np.testing.assert_allclose(base, [-1, -1])
    np.testing.assert_allclose(edges, np.full((2, 2), 0.25))


@pytest.mark.parametrize("widths", [(2, 32, 1, 1), (5, 40, 30, 3)])
def test_float32_stays_float32(widths):
    net = random_network(widths)
    X = random_points(300, widths[0]).astype(np.float32)
    parameters, sizes = net.packed(np.float32)
    assert parameters.dtype == np.float32
    out = np.empty((300, widths[-1]), np.float32)
    kernels.forward(parameters, sizes, X, out)
    scale = np.abs(net(X.astype(float))).max()
    np.testing.assert_allclose(out, net(X.astype(float)), atol=1e-5 * scale)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_does_not_pass_for_a_number(value):
    net = random_network((2, 4, 1))
    X = np.array([[value, 0.0], [1.0, 1.0]])
    out = np.empty((2, 1))
    with np.errstate(invalid="ignore"):
        kernels.forward(*net.packed(), X, out)
    assert not np.isfinite(out[0]).all() and np.isfinite(out[1]).all()


PROGRAM = """
import sys
import numpy as np
from geomcore import ReLUNetwork, kernels
rng = np.random.default_rng(0)
sizes = (3, 20, 18, 2)
net = ReLUNetwork(
    [rng.normal(size=(m, n)) for n, m in zip(sizes[:-1], sizes[1:])],
    [rng.normal(size=m) for m in sizes[1:]],
)
parameters, widths = net.packed()
X = rng.normal(size=(150, 3))
W, b = net.weights[0][:3].copy(), net.biases[0][:3].copy()
results = [np.empty((150, 2)), np.empty((150, 38), bool), np.empty((150, 3)), np.empty((150, 3))]
kernels.forward(parameters, widths, X, results[0])
kernels.activation_pattern(parameters, widths, X, results[1])
kernels.input_gradients(parameters, widths, X, 1, results[2])
kernels.truncation_map(W, b, np.linalg.inv(W), X, results[3])
results += [kernels.cumulative_parameters(parameters, widths)]
results += kernels.pseudoinverse_cone(W, b, 1e-15)
np.savez(sys.argv[1], *results)
"""


def test_kernels_give_the_same_uncompiled(tmp_path):
    runs = {}
    for disabled in "01":
        path = tmp_path / f"{disabled}.npz"
        subprocess.run(
            [sys.executable, "-c", PROGRAM, str(path)],
            env={**os.environ, "NUMBA_DISABLE_JIT": disabled},
            check=True,
        )
        with np.load(path) as file:
            runs[disabled] = [file[name] for name in file.files]
    assert len(runs["0"]) == 7
    for compiled, interpreted in zip(runs["0"], runs["1"], strict=True):
        np.testing.assert_allclose(
            np.asarray(compiled, float), np.asarray(interpreted, float), rtol=1e-9, atol=1e-11
        )


def test_importing_compiles_nothing():
    program = (
        "import geomcore.kernels as k; "
        "print([n for n, f in vars(k).items() if getattr(f, 'signatures', None)])"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_all_depths_share_one_compiled_version():
    versions = set()
    for widths in WIDTHS:
        net = random_network(widths)
        X = random_points(5, widths[0])
        kernels.input_gradients(*net.packed(), X, 0, np.empty_like(X))
        versions.add(len(kernels.input_gradients.signatures))
    assert len(versions) == 1


@pytest.mark.parametrize("n", [0, 1, 65_535, 65_536, 100_003])
def test_the_parts_of_a_range_cover_it_once(n):
    counts = np.zeros(n, int)

    def count(rows):
        counts[rows] += 1

    in_parts(count, n)
    np.testing.assert_array_equal(counts, 1)


def test_an_error_in_a_thread_reaches_the_caller():
    def fail(rows):
        if rows.stop == 10**6:
            raise ArithmeticError("from a thread")

    with pytest.raises(ArithmeticError, match="from a thread"):
        in_parts(fail, 10**6)


def test_the_number_of_threads_can_be_limited(monkeypatch):
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")
    assert core_count() == 1
    rows = []
    in_parts(rows.append, 10**6)
    assert rows == [slice(0, 10**6)]


def test_where_no_cache_can_be_kept_there_is_one_warning_and_the_same_numbers():
    program = """if True:
        import sys, warnings
        from numba.core import caching
        def refuse(self):
            raise OSError("read-only")
        if sys.argv[1] == "refuse":
            caching._CacheLocator.ensure_cache_path = refuse
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            import geomcore
            import training.descent.compiled.ensemble
            net = geomcore.ReLUNetwork([[[1.0, 2.0], [3.0, -4.0]], [[0.1, 0.7]]], [[1, 2], [3]])
            print(geomcore.input_gradients(net, [[0.3, 0.1], [-1.0, 2.0]]).tolist())
        told = [str(w.message) for w in found]
        print(len(told), all("NUMBA_CACHE_DIR" in text for text in told))
    """
    found = [
        subprocess.run(
            [sys.executable, "-c", program, what], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        for what in ("refuse", "keep")
    ]
    assert found[0][0] == found[1][0]
    assert [rows[1] for rows in found] == ["1 True", "0 True"]


def test_other_errors_of_the_compiler_are_not_taken_for_a_missing_cache(monkeypatch):
    def broken(**options):
        raise RuntimeError("something else")

    monkeypatch.setattr(kernels, "njit", broken)
    with pytest.raises(RuntimeError, match="something else"):
        kernels.cached_njit()(abs)


def test_long_compiling_is_told_once_and_short_or_none_is_not():
    @njit
    def square(x):
        return x * x

    told = []
    with kernels.told_of_compiling(lambda: told.append(1), seconds=60.0):
        square(1.0)
    with kernels.told_of_compiling(lambda: told.append(2), seconds=0.0):
        square(2.0)  # compiled already
    assert told == []
    with kernels.told_of_compiling(lambda: told.append(3), seconds=0.0):
        square(1j)
        square(np.ones(2))
    square(np.float32(1))
    assert told == [3]


def test_an_edit_of_a_kernel_in_another_file_is_noticed(tmp_path):
    (tmp_path / "caller.py").write_text(
        "import callee\n"
        "from callee import value\n"
        "from geomcore.kernels import cached_njit\n"
        "@cached_njit(uses=[callee])\n"
        "def twice():\n"
        "    return 2 * value()\n"
        "if __name__ == 'caller':\n"
        "    print(twice(), *twice.stats.cache_hits.values())\n"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
    }
    found = []
    for number in (1, 1, 4):
        (tmp_path / "callee.py").write_text(
            "from geomcore.kernels import cached_njit\n"
            "@cached_njit()\n"
            f"def value():\n    return {number}\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", "import caller"],
            capture_output=True,
            text=True,
            env=environment,
        )
        assert done.returncode == 0, done.stderr
        found.append(done.stdout.split())
    assert found == [["2"], ["2", "1"], ["8"]]
