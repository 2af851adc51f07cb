import inspect
import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from constructions import ConstructionError, GeometricClassifier, construct, verify
from geomcore.datasets import clusters, concentric, iris, sequential

# Of all that scikit-learn asks nothing is left out. (One check, of array API input, skips
# itself for every estimator unless the environment has SCIPY_ARRAY_API=1; it passes then.)


@pytest.mark.slow
@parametrize_with_checks([GeometricClassifier()])
def test_it_is_an_estimator_as_scikit_learn_wants_them(estimator, check):
    check(estimator)


# By hand


def test_the_network_is_the_one_of_construct_with_the_certificate_of_verify():
    data = sequential(n=60, rng=1)
    model = GeometricClassifier("sequential", random_state=3).fit(data.X, data.y)
    found = construct(data.X, data.y, "sequential", rng=3)
    assert model.network_ == found.network and model.construction_.method == "sequential"
    assert model.certificate_ == verify(found.network, data.X, data.y)
    assert model.certificate_.proved and model.certificate_.verdict == "global minimum"
    assert model.score(data.X, data.y) == 1


def test_without_verification_there_is_no_certificate():
    data = clusters(n=30, rng=0)
    model = GeometricClassifier(verify=False).fit(data.X, data.y)
    assert model.certificate_ is None and model.score(data.X, data.y) == 1


def test_labels_may_be_text_and_features_may_have_names():
    pandas = pytest.importorskip("pandas")
    data = clusters(n=30, classes=3, rng=0)
    X = pandas.DataFrame(data.X, columns=[f"x{k}" for k in range(data.X.shape[1])])
    y = np.array(["left", "mid", "right"])[data.y]
    model = GeometricClassifier(verify=False).fit(X, pandas.Series(y))
    assert model.classes_.tolist() == ["left", "mid", "right"]
    assert (model.predict(X) == y).all()
    assert model.feature_names_in_.tolist() == list(X.columns)
    assert model.n_features_in_ == X.shape[1]


def test_of_two_classes_the_decision_is_near_minus_one_and_one_on_the_data():
    data = concentric(n=40, rng=0)
    model = GeometricClassifier().fit(data.X, data.y)
    values = model.decision_function(data.X)
    assert values.shape == (80,)
    np.testing.assert_allclose(values, 2.0 * data.y - 1, atol=1e-6)


def test_of_more_classes_the_decision_is_the_output_of_the_network():
    data = sequential(n=60, classes=4, rng=0)
    model = GeometricClassifier().fit(data.X, data.y)
    other = np.random.default_rng(0).standard_normal((50, data.X.shape[1]))
    np.testing.assert_array_equal(model.decision_function(other), model.network_(other))
    np.testing.assert_array_equal(model.predict(other), model.network_(other).argmax(axis=1))


def test_points_of_single_precision_are_judged_in_double():
    data = clusters(n=30, rng=0)
    X = data.X.astype(np.float32)
    model = GeometricClassifier(verify=False).fit(X, data.y)
    assert model.decision_function(X).dtype == np.float64
    np.testing.assert_array_equal(
        model.decision_function(X), model.decision_function(X.astype(float))
    )


# In the company of scikit-learn


def test_it_works_in_a_pipeline_and_a_grid_search():
    data = iris(standardize=False)
    pipeline = make_pipeline(StandardScaler(), GeometricClassifier(verify=False))
    grid = {"geometricclassifier__beam": [1, 2]}
    search = GridSearchCV(pipeline, grid, cv=3, error_score="raise").fit(data.X, data.y)
    assert search.best_score_ > 0.85  # chance is a third
    assert search.score(data.X, data.y) == 1
    assert set(search.cv_results_["param_geometricclassifier__beam"]) == {1, 2}


def test_it_clones_and_pickles():
    data = clusters(n=30, rng=0)
    model = GeometricClassifier("sequential", verify=False, robust=True).fit(data.X, data.y)
    fresh = clone(model)
    assert fresh.get_params() == model.get_params() and not hasattr(fresh, "network_")
    again = pickle.loads(pickle.dumps(model))
    assert again.network_ == model.network_
    np.testing.assert_array_equal(again.predict(data.X), data.y)


def test_it_has_every_option_of_construct():
    theirs = set(inspect.signature(construct).parameters) - {"X", "y", "targets", "rng"}
    own = set(inspect.signature(GeometricClassifier).parameters) - {"verify", "random_state"}
    assert own == theirs


@pytest.mark.parametrize(
    "given", [7, np.int64(7), np.random.default_rng(7), None, np.random.RandomState(7)]
)
def test_any_random_state_of_scikit_learn_will_do(given):
    data = clusters(n=30, rng=0)
    model = GeometricClassifier(verify=False, random_state=given).fit(data.X, data.y)
    assert model.score(data.X, data.y) == 1


def test_importing_constructions_loads_no_scikit_learn():
    program = "import sys, constructions; constructions.construct; print('sklearn' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "False"


# Bad input


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="at least two classes, got 1 class, 'a'"):
        GeometricClassifier().fit([[0.0], [1.0]], ["a", "a"])


def test_equal_points_of_different_classes_are_refused_with_their_rows():
    with pytest.raises(ValueError, match="rows 0 and 2"):
        GeometricClassifier().fit([[0.0], [1.0], [0.0]], [0, 1, 1])


def test_a_method_that_does_not_apply_says_why():
    data = concentric(n=40, rng=0)
    with pytest.raises(ConstructionError, match="sequential does not apply"):
        GeometricClassifier("sequential").fit(data.X, data.y)


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="method must be one of"):
        GeometricClassifier("cones").fit([[0.0], [1.0]], [0, 1])


def test_with_a_weight_decay_it_is_the_best_two_layer_network():
    from sklearn.datasets import make_moons

    X, y = make_moons(40, noise=0.1, random_state=0)
    model = GeometricClassifier("two-layer", weight_decay=1e-2).fit(X, y)
    assert model.score(X, y) > 0.8 and model.certificate_ is None
    assert len(model.network_.widths) == 3
