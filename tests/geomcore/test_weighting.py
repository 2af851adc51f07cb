import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomcore.weighting import point_weights, points_sharing

classes = st.lists(st.integers(0, 5), max_size=20).map(lambda labels: np.array(labels, dtype=int))

# By hand


def test_points_count_alike_or_classes_count_alike():
    index = np.array([1, 0, 1, 1])
    np.testing.assert_array_equal(points_sharing(index, class_weighted=False), [4, 4, 4, 4])
    np.testing.assert_array_equal(points_sharing(index, class_weighted=True), [3, 1, 3, 3])
    np.testing.assert_array_equal(point_weights(index, class_weighted=False), [0.25] * 4)
    np.testing.assert_array_equal(
        point_weights(index, class_weighted=True), [1 / 3, 1, 1 / 3, 1 / 3]
    )


@pytest.mark.parametrize("class_weighted", [False, True])
def test_no_points_have_no_weights(class_weighted):
    assert point_weights(np.empty(0, int), class_weighted=class_weighted).shape == (0,)


# Against the naive oracle


@given(classes)
def test_every_point_is_counted_one_by_one(index):
    labels = index.tolist()
    of_class = points_sharing(index, class_weighted=True).tolist()
    assert of_class == [labels.count(label) for label in labels]
    assert points_sharing(index, class_weighted=False).tolist() == [len(labels)] * len(labels)


# Laws


@given(classes)
def test_weights_sum_to_one_in_all_or_in_each_class(index):
    if len(index):
        assert point_weights(index, class_weighted=False).sum() == pytest.approx(1)
    weights = point_weights(index, class_weighted=True)
    for q in np.unique(index):
        assert weights[index == q].sum() == pytest.approx(1)
