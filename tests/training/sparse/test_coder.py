"""The scikit-learn transformer."""

import inspect
import pickle
import subprocess
import sys

import numpy as np
import pytest

from training import train_sparse

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from training import NonNegativeSparseCoder

SMALL = {"steps": 50, "batch_size": 32}


def data(n=200, d=6, seed=0, dtype=float):
    rng = np.random.default_rng(seed)
    D = rng.normal(size=(d, 2 * d))
    Z = rng.exponential(size=(n, 2 * d)) * (rng.random((n, 2 * d)) < 0.2)
    return (Z @ D.T).astype(dtype)


@parametrize_with_checks(
    [
        NonNegativeSparseCoder(**SMALL),
        NonNegativeSparseCoder(3, loop=3, interaction="learned", treatment="weighted", **SMALL),
    ]
)
def test_it_is_an_estimator_as_scikit_learn_wants_them(estimator, check):
    check(estimator)


# By hand


def test_its_codes_are_the_units_of_the_autoencoder_that_train_sparse_gives():
    X = data()
    coder = NonNegativeSparseCoder(9, penalty=0.2, loop=2, random_state=5, **SMALL).fit(X)
    result = train_sparse(X, 9, penalty=0.2, loop=2, rng=5, **SMALL)
    np.testing.assert_array_equal(coder.transform(X), result.autoencoder.encode(X))
    np.testing.assert_array_equal(coder.components_, result.autoencoder.W_d.T)
    Z = coder.transform(X)
    assert (Z >= 0).all() and (Z == 0).any()
    np.testing.assert_allclose(
        coder.inverse_transform(Z), Z @ coder.components_ + result.autoencoder.b_d
    )


def test_its_arguments_are_those_of_train_sparse_with_the_same_defaults():
    own, other = (inspect.signature(f).parameters for f in (NonNegativeSparseCoder, train_sparse))
    shared = own.keys() & other.keys()
    assert own.keys() - shared == {"learning_rate", "random_state"}
    left = {"X", "optimizer", "penalties", "constraints", "start", "rng"}
    assert other.keys() - shared == left
    defaults = {name: (own[name].default, other[name].default) for name in shared}
    # Which have none there.
    assert defaults.pop("units")[0] is None and defaults.pop("penalty")[0] == 0.1
    assert all(mine == theirs for mine, theirs in defaults.values())


def test_it_has_as_many_units_as_features_unless_told():
    assert NonNegativeSparseCoder(**SMALL).fit(data()).transform(data()).shape == (200, 6)


def test_single_precision_stays():
    X = data(dtype=np.float32)
    coder = NonNegativeSparseCoder(**SMALL).fit(X)
    assert coder.transform(X).dtype == np.float32


def test_random_states_of_all_kinds():
    X = data()
    legacy = [
        NonNegativeSparseCoder(random_state=np.random.RandomState(3), **SMALL).fit(X)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*(c.components_ for c in legacy))
    modern = NonNegativeSparseCoder(random_state=np.random.default_rng(0), **SMALL).fit(X)
    seeded = NonNegativeSparseCoder(random_state=0, **SMALL).fit(X)
    np.testing.assert_array_equal(modern.components_, seeded.components_)


def test_it_goes_into_pipelines_copies_and_pickles():
    X = data()
    coder = NonNegativeSparseCoder(7, loop=2, **SMALL)
    assert clone(coder).get_params() == coder.get_params()
    names = make_pipeline(StandardScaler(), coder).fit(X).get_feature_names_out()
    assert names[0] == "nonnegativesparsecoder0" and len(names) == 7
    fitted = clone(coder).fit(X)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.transform(X), fitted.transform(X))


def test_scikit_learn_is_not_loaded_for_train_sparse():
    code = "import sys; from training import train_sparse; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# Bad input


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"units": 0}, "^units must be"),
        ({"penalty": -1.0}, "^penalty must be"),
        ({"treatment": "colums"}, "did you mean 'columns'"),
        ({"learning_rate": 0}, "^learning_rate must be"),
        ({"random_state": "x"}, "seed"),
    ],
)
def test_wrong_arguments_are_refused_by_fit(arguments, match):
    with pytest.raises(ValueError, match=match):
        NonNegativeSparseCoder(**{**SMALL, **arguments}).fit(data())


def test_an_unknown_keyword_is_answered():
    with pytest.raises(TypeError, match="did you mean"):
        NonNegativeSparseCoder(penlty=0.1)
