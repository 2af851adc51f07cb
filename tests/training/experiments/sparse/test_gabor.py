"""Gabor fits: exact on Gabor functions, as good as scipy elsewhere, honest nulls."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from training.experiments.sparse.gabor import (
    _jacobian,
    gabor,
    gabor_fits,
    phase_randomised,
    random_combinations,
)

SHAPE = (8, 8)


def some_gabors(m, seed=0, shape=SHAPE):
    rng = np.random.default_rng(seed)
    sizes = np.log(rng.uniform(1, 2.5, (2, m)))
    centres = rng.uniform(1, np.subtract(shape, 2), (m, 2)).T
    others = (rng.uniform(0, np.pi, m), *sizes, rng.uniform(0.1, 0.4, m))
    return np.column_stack([*centres, *others, rng.standard_normal(m), rng.standard_normal(m)])


# By hand


def test_a_gabor_function_at_a_pixel():
    # centre (1, 2), along the rows, sigma 1 and 2, a quarter of a cycle per pixel
    p = [[1, 2, 0, 0, np.log(2), 0.25, 3, 5]]
    found = gabor(p, (4, 5)).reshape(4, 5)
    assert found[1, 2] == pytest.approx(3)
    assert found[2, 2] == pytest.approx(5 * np.exp(-0.5))
    assert found[1, 4] == pytest.approx(3 * np.exp(-0.5))
    assert found[3, 2] == pytest.approx(-3 * np.exp(-2))


@pytest.mark.parametrize("shape", [(8, 8), (6, 11)])
def test_gabor_functions_are_found(shape):
    p = some_gabors(60, shape=shape)
    found = gabor_fits(gabor(p, shape), shape)
    assert found.r2.min() > 0.9999
    back = gabor(found.parameters, shape)
    cosine = (back * gabor(p, shape)).sum(axis=1) / np.linalg.norm(gabor(p, shape), axis=1)
    assert np.allclose(cosine, 1, atol=1e-3)


def test_zeros_have_no_fit_and_the_rest_has():
    fields = np.vstack([np.zeros(64), gabor(some_gabors(1), SHAPE), np.zeros(64)])
    found = gabor_fits(fields, SHAPE)
    assert np.isnan(found.r2).tolist() == [True, False, True]
    assert np.isnan(gabor_fits(np.zeros((2, 64)), SHAPE).r2).all()
    assert gabor_fits(np.zeros((0, 64)), SHAPE).r2.shape == (0,)


# Against scipy


def test_fits_are_as_good_as_those_of_scipy_from_the_same_place():
    rng = np.random.default_rng(2)
    fields = gabor(some_gabors(12, 3), SHAPE)
    fields /= np.linalg.norm(fields, axis=1, keepdims=True)
    fields += 0.08 * rng.standard_normal(fields.shape)
    found = gabor_fits(fields, SHAPE, starts=3)
    for field, r2, start in zip(fields, found.r2, some_gabors(12, 3), strict=True):
        start[6:] /= np.linalg.norm(gabor([start], SHAPE))
        best = least_squares(
            lambda p, field=field: gabor([p], SHAPE)[0] - field, start, method="trf"
        )
        theirs = 1 - 2 * best.cost / (field @ field)
        assert r2 > theirs - 2e-3


def test_derivatives_are_those_of_finite_differences():
    p, step = some_gabors(5, 4), 1e-6
    _, J = _jacobian(p, SHAPE)
    for k in range(8):
        e = step * np.eye(8)[k]
        difference = (gabor(p + e, SHAPE) - gabor(p - e, SHAPE)) / (2 * step)
        assert np.allclose(difference, J[..., k], atol=1e-7)


# Laws


def test_quality_is_that_of_the_function_that_is_returned_and_more_starts_are_no_worse():
    fields = np.random.default_rng(5).standard_normal((40, 64))
    one, more = gabor_fits(fields, SHAPE, starts=1), gabor_fits(fields, SHAPE, starts=4)
    assert (more.r2 >= one.r2 - 1e-12).all() and ((more.r2 > 0) & (more.r2 < 1)).all()
    unit = fields / np.linalg.norm(fields, axis=1, keepdims=True)
    rest = ((unit - gabor(more.parameters, SHAPE)) ** 2).sum(axis=1)
    assert np.allclose(more.r2, 1 - rest)


@pytest.mark.parametrize("scale", [1e-300, -3.0, 1e300])
def test_scale_and_sign_of_a_field_do_not_matter(scale):
    fields = np.random.default_rng(6).standard_normal((9, 64)) + gabor(some_gabors(9), SHAPE)
    assert np.allclose(gabor_fits(fields * scale, SHAPE).r2, gabor_fits(fields, SHAPE).r2)


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (2, 2), (5, 4)])
def test_small_fields_are_fitted_too(shape):
    fields = np.random.default_rng(7).standard_normal((4, shape[0] * shape[1]))
    found = gabor_fits(fields, shape).r2
    assert ((found > 0) & (found <= 1)).all()


def test_random_fields_fit_worse_than_gabor_functions():
    white = gabor_fits(np.random.default_rng(8).standard_normal((100, 64)), SHAPE).r2
    assert 0.15 < np.median(white) < 0.3 and np.quantile(white, 0.95) < 0.45


@pytest.mark.parametrize("shape", [(8, 8), (5, 7), (1, 1)])
def test_random_phases_keep_all_amplitudes(shape):
    fields = np.random.default_rng(9).standard_normal((6, shape[0] * shape[1]))
    other = phase_randomised(fields, shape, rng=0)
    ours, theirs = (np.abs(np.fft.fft2(f.reshape(-1, *shape))) for f in (fields, other))
    assert np.allclose(ours, theirs) and (shape == (1, 1) or not np.allclose(fields, other))
    assert np.array_equal(other, phase_randomised(fields, shape, rng=0))


def test_combinations_of_points_have_their_second_moments():
    X = np.random.default_rng(10).standard_normal((50, 3)) * [1, 2, 0]
    found = random_combinations(X, 40_000, rng=0)
    assert np.allclose(found.T @ found / 40_000, X.T @ X / 50, atol=0.1)


# Bad input


def test_fields_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"fields must have 8 x 8 columns, got shape \(3, 63\)"):
        gabor_fits(np.zeros((3, 63)), SHAPE)
    with pytest.raises(ValueError, match="starts must be a whole number"):
        gabor_fits(np.zeros((3, 64)), SHAPE, starts=0)
