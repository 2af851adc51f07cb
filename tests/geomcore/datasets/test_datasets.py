import gzip
import itertools
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.spatial.distance import cdist

from geomcore import datasets
from geomcore.datasets.dataset import prepare

SYNTHETIC = [
    datasets.clusters,
    datasets.sequential,
    datasets.single_cone,
    datasets.concentric,
    datasets.polytope,
    datasets.spirals,
]
WITH_GAP = [d for d in SYNTHETIC if d is not datasets.polytope]


def is_separable(A, B):
    """Whether a hyperplane has A strictly on one side and B on the other, by a linear program."""
    rows = np.vstack([np.c_[A, np.ones(len(A))], -np.c_[B, np.ones(len(B))]])
    result = linprog(
        np.zeros(rows.shape[1]), A_ub=rows, b_ub=-np.ones(len(rows)), bounds=(None, None)
    )
    assert result.status in {0, 2}
    return result.status == 0


def classes_of(data):
    return [data.X[data.y == label] for label in np.unique(data.y)]


def is_clustered(data):
    """The hypotheses of CE24 Prop. 4.1, spelled out."""
    classes = classes_of(data)
    means = np.array([C.mean(axis=0) for C in classes])
    center = means.mean(axis=0)
    delta = max(np.linalg.norm(C - m, axis=1).max() for C, m in zip(classes, means, strict=True))
    if delta >= np.linalg.norm(means - center, axis=1).min() / 4:
        return False
    for j, k in itertools.permutations(range(len(means)), 2):
        f, v = center - means[j], means[k] - means[j]
        length = np.linalg.norm(v)
        half = np.arccos(f @ v / np.linalg.norm(f) / length) + np.arcsin(min(1, 4 * delta / length))
        if 2 * half >= np.pi:
            return False
    return True


# By hand


def test_clusters_lie_in_balls_around_the_unit_vectors():
    data = datasets.clusters(20, classes=3, d=5, radius=0.15, rng=0)
    assert data.X.shape == (60, 5)
    assert (np.linalg.norm(data.X - np.eye(3, 5)[data.y], axis=1) <= 0.15).all()


def test_iris_loses_its_one_repeated_flower_and_digits_three_blank_pixels():
    iris, digits = datasets.iris(), datasets.digits()
    assert iris.X.shape == (149, 4)
    assert iris.info["duplicates"].tolist() == [[142, 101]]
    assert digits.X.shape == (1797, 61)
    assert digits.info["dropped_columns"].tolist() == [0, 32, 39]


def test_repeated_rows_go_when_labels_agree_and_stay_as_conflicts_when_not():
    X, y, info = prepare([[0, 1], [2, 1], [0, 1], [2, 1]], ["a", "b", "a", "c"])
    np.testing.assert_array_equal(info["duplicates"], [[2, 0]])
    np.testing.assert_array_equal(info["conflicts"], [[3, 1]])
    assert X.shape == (3, 1)
    assert y.tolist() == ["a", "b", "c"]


def test_a_digit_can_be_drawn_again_from_its_row():
    import sklearn.datasets as sklearn_datasets

    data = datasets.digits()
    image = np.zeros(64)
    image[data.info["kept_columns"]] = data.X[7] * data.info["scale"] + data.info["mean"]
    expected = sklearn_datasets.load_digits().images[7]
    np.testing.assert_allclose(image.reshape(data.info["image_shape"]), expected, atol=1e-12)


def test_polytope_labels_the_points_that_satisfy_every_inequality():
    data = datasets.polytope(300, d=3, faces=8, rng=0)
    inside = [
        all(n @ x <= r for n, r in zip(data.info["normals"], data.info["offsets"], strict=True))
        for x in data.X
    ]
    np.testing.assert_array_equal(data.y, inside)
    assert np.abs(data.X).max() <= 1.5


# Laws


@pytest.mark.parametrize("seed", range(30))
def test_default_clusters_satisfy_the_hypotheses_of_the_clustered_construction(seed):
    assert is_clustered(datasets.clusters(rng=seed))


@pytest.mark.parametrize("seed", range(5))
def test_clusters_of_radius_two_tenths_just_fail_them(seed):
    assert not is_clustered(datasets.clusters(radius=0.2, rng=seed))


@pytest.mark.parametrize("seed", range(10))
def test_sequential_hyperplanes_cut_off_one_class_after_another(seed):
    data = datasets.sequential(rng=seed)
    normals, offsets = data.info["hyperplanes"]
    order = data.info["order"]
    for j, (w, c) in enumerate(zip(normals, offsets, strict=True)):
        side = data.X @ w + c
        assert (side[data.y == order[j]] < 0).all()
        assert (side[np.isin(data.y, order[j + 1 :])] > 0).all()


@pytest.mark.parametrize("seed", range(10))
def test_sequential_classes_are_not_clustered_and_only_the_first_is_separable_at_once(seed):
    data = datasets.sequential(rng=seed)
    assert not is_clustered(data)
    separable = [
        is_separable(data.X[data.y == label], data.X[data.y != label])
        for label in data.info["order"]
    ]
    assert separable == [True, False, False]


@pytest.mark.parametrize(("classes", "d"), [(4, 3), (5, 6), (2, 2)])
def test_any_number_of_classes_has_its_order(classes, d):
    data = datasets.sequential(60, classes=classes, d=d, rng=1)
    order = data.info["order"]
    assert sorted(order) == list(range(classes))
    for j in range(classes - 1):
        rest = np.isin(data.y, order[j + 1 :])
        assert is_separable(data.X[data.y == order[j]], data.X[rest])


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("generator", [datasets.single_cone, datasets.concentric])
def test_two_class_configurations_are_not_linearly_separable(generator, d, seed):
    assert not is_separable(*classes_of(generator(d=d, rng=seed)))


@pytest.mark.parametrize("d", [2, 3, 5])
def test_single_cone_has_class_0_in_the_backward_cone_and_class_1_outside(d):
    data = datasets.single_cone(50, d=d, rng=0)
    coordinates = data.info["cone"].coordinates(data.X)
    assert (coordinates[data.y == 0] < 0).all()
    assert (coordinates[data.y == 1].max(axis=1) > 0).all()


@pytest.mark.parametrize("d", [1, 2, 3, 7])
def test_concentric_has_class_0_in_the_simplex_and_class_1_outside(d):
    data = datasets.concentric(50, d=d, rng=0)
    S = data.info["simplex"]
    assert S.shape == (d + 1, d)
    barycentric = np.linalg.solve(
        np.vstack([S.T, np.ones(d + 1)]), np.vstack([data.X.T, np.ones(100)])
    )
    np.testing.assert_array_equal(barycentric.min(axis=0) > 0, data.y == 0)


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), gap=st.floats(0.02, 0.1))
@pytest.mark.parametrize("generator", WITH_GAP[:-1])
def test_classes_are_a_gap_apart(generator, seed, gap):
    classes = classes_of(generator(40, gap=gap, rng=seed))
    for A, B in itertools.combinations(classes, 2):
        assert cdist(A, B).min() >= gap * (1 - 1e-9)


def test_single_cone_fills_the_plane_up_to_half_a_gap_from_its_rays():
    data = datasets.single_cone(4000, d=2, angle=1.0, gap=0.2, rng=0)
    from_axis = np.abs(np.arctan2(data.X[:, 1], -data.X[:, 0]))
    length = np.linalg.norm(data.X, axis=1)
    beyond = length * np.sin(np.minimum(from_axis - 1, np.pi / 2))
    assert -0.11 < beyond[data.y == 0].max() <= -0.1
    assert 0.1 <= beyond[data.y == 1].min() < 0.11


def test_concentric_fills_space_up_to_half_a_gap_from_the_faces():
    data = datasets.concentric(4000, gap=0.2, rng=0)
    # The inward distance to a face is its barycentric coordinate times the height d + 1 over d.
    S = np.vstack([data.info["simplex"].T, np.ones(4)])
    inward = np.linalg.solve(S, np.vstack([data.X.T, np.ones(8000)])).min(axis=0) * 4 / 3
    assert 0.1 <= inward[data.y == 0].min() < 0.11
    assert -0.11 < inward[data.y == 1].max() <= -0.1


def test_polytope_leaves_the_gap_that_is_asked_for():
    data = datasets.polytope(4000, gap=0.2, rng=0)
    slack = (data.info["offsets"] - data.X @ data.info["normals"].T).min(axis=1)
    assert 0.1 <= np.abs(slack).min() < 0.11
    assert set(data.y) == {0, 1}


def test_gaussian_clusters_and_noisy_spirals_keep_their_gap():
    for data in (
        datasets.clusters(300, sigma=0.25, gap=0.3, rng=0),
        datasets.spirals(600, noise=0.02, rng=0),
    ):
        nearest = min(cdist(A, B).min() for A, B in itertools.combinations(classes_of(data), 2))
        assert nearest >= data.info["gap"] * (1 - 1e-9)


def test_spirals_report_the_distance_of_their_arms():
    data = datasets.spirals(700, arms=3, turns=1, rng=2)
    pairs = itertools.combinations(classes_of(data), 2)
    expected = min(cdist(A, B).min() for A, B in pairs)
    assert data.info["gap"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("generator", SYNTHETIC)
def test_a_seed_fixes_the_data_and_the_global_state_plays_no_part(generator):
    first, second = generator(rng=5), generator(rng=np.random.default_rng(5))
    np.testing.assert_array_equal(first.X, second.X)
    np.testing.assert_array_equal(first.y, second.y)
    assert not np.array_equal(first.X, generator(rng=6).X)


@pytest.mark.parametrize("generator", SYNTHETIC)
def test_one_point_per_class_is_enough(generator):
    data = generator(1, rng=0)
    assert data.X.ndim == 2
    assert len(data.X) == len(data.y)


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "digits"])
def test_bundled_data_are_standardised_and_free_of_repeated_rows(name):
    data = getattr(datasets, name)()
    np.testing.assert_allclose(data.X.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(data.X.std(axis=0), 1, atol=1e-12)
    assert len(np.unique(data.X, axis=0)) == len(data.X)
    raw = getattr(datasets, name)(standardize=False)
    kept = raw.X[:, data.info["kept_columns"]]
    np.testing.assert_allclose(data.X * data.info["scale"] + data.info["mean"], kept, atol=1e-9)


@settings(max_examples=30)
@given(
    seed=st.integers(0, 10**6),
    scale=st.sampled_from([1e-150, 1, 1e150, 1e300]),
    n=st.integers(2, 9),
)
def test_standardising_is_blind_to_shift_and_scale(seed, scale, n):
    X = np.random.default_rng(seed).normal(size=(n, 3))
    expected = prepare(X, np.arange(n))[0]
    np.testing.assert_allclose(prepare(scale * (X + 2), np.arange(n))[0], expected, atol=1e-8)


# Bad input


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: datasets.clusters(0), "n must be a whole number, at least 1, got 0"),
        (lambda: datasets.clusters(2.5), "n must be a whole number"),
        (lambda: datasets.clusters(classes=1), "classes must be a whole number, at least 2, got 1"),
        (lambda: datasets.clusters(d=2), "d must be a whole number, at least 3, got 2"),
        (lambda: datasets.clusters(radius=0.7), "radius must be at most"),
        (lambda: datasets.clusters(radius=float("nan")), "radius must be a positive number"),
        (lambda: datasets.clusters(sigma=100), "sigma and gap: hardly a point"),
        (lambda: datasets.clusters(gap=0), "gap must be a positive number, got 0"),
        (lambda: datasets.clusters(rng="x"), "rng must be"),
        (lambda: datasets.sequential(gap=5), "gap must be smaller: 5 leaves class"),
        (lambda: datasets.sequential(irregularity=1), "irregularity must be"),
        (lambda: datasets.sequential(classes=6, d=3), "d must be a whole number, at least 5"),
        (lambda: datasets.single_cone(angle=2), r"angle must lie in \(0, pi/2\), got 2"),
        (lambda: datasets.single_cone(gap=9), "gap and angle leave no room"),
        (lambda: datasets.single_cone(d=1), "d must be a whole number, at least 2, got 1"),
        (lambda: datasets.concentric(radius=1), "radius must be more than 1"),
        (lambda: datasets.concentric(gap=0.7), "gap must be below"),
        (lambda: datasets.polytope(radii=(1, 0.4)), "radii must be the smaller and the larger"),
        (lambda: datasets.spirals(arms=1), "arms must be a whole number, at least 2"),
        (lambda: datasets.spirals(turns=30), "gap must be at most"),
        (lambda: prepare(np.empty((0, 2)), []), "X must hold at least one point"),
        (lambda: prepare([[1, 2]], [1, 2]), "y must have one label per point"),
    ],
)
def test_wrong_numbers_are_refused_with_a_reason(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


# MNIST files


IMAGES = np.arange(6 * 2 * 3, dtype=np.uint8).reshape(6, 2, 3)
LABELS = np.array([0, 1, 2, 0, 1, 2], np.uint8)


def idx(array):
    head = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.tobytes()


def write_mnist(folder, joint="-", pack=None, images=None, labels=None):
    end = ".gz" if pack else ""
    pack = pack or bytes
    for stem, axes, data in (
        ("images", 3, idx(IMAGES) if images is None else images),
        ("labels", 1, idx(LABELS) if labels is None else labels),
    ):
        (folder / f"train-{stem}{joint}idx{axes}-ubyte{end}").write_bytes(pack(data))
    return folder


@pytest.mark.parametrize("joint", ["-", "."])
@pytest.mark.parametrize("pack", [None, gzip.compress])
def test_mnist_files_are_read_gzipped_or_not_under_both_names(tmp_path, joint, pack):
    data = datasets.mnist(write_mnist(tmp_path, joint, pack))
    np.testing.assert_allclose(data.X * 255, IMAGES.reshape(6, 6), atol=1e-12)
    np.testing.assert_array_equal(data.y, LABELS)
    assert data.info["image_shape"] == (2, 3)


def test_mnist_keeps_the_wanted_digits_and_the_first_of_them(tmp_path):
    data = datasets.mnist(write_mnist(tmp_path), digits=[0, 2], limit=3)
    assert data.y.tolist() == [0, 2, 0]
    np.testing.assert_allclose(data.X * 255, IMAGES[[0, 2, 3]].reshape(3, 6), atol=1e-12)


@pytest.mark.parametrize(
    ("files", "options", "sentence"),
    [
        ({"images": idx(IMAGES)[:-1]}, {}, r"truncated: its header announces \(6, 2, 3\)"),
        ({"images": idx(IMAGES) + b"\0"}, {}, "is too long"),
        ({"images": idx(IMAGES)[:9]}, {}, "ends inside its header"),
        ({"images": idx(LABELS)}, {}, "IDX file of bytes with 3 axes.*got 00000801"),
        ({"images": b""}, {}, "got an empty file"),
        ({"images": b"\x89PNG\r\n"}, {}, "got 89504e47"),
        ({"labels": gzip.compress(idx(LABELS))[:-9]}, {}, "damaged gzip file"),
        ({"labels": idx(LABELS[:5])}, {}, "holds 6 images but .* holds 5 labels"),
        ({}, {"digits": [0, 7]}, r"digits must be labels of .* got \[7\]"),
        ({}, {"limit": 0}, "limit must be a whole number, at least 1"),
        ({}, {"split": "valid"}, "split must be 'train' or 'test', got 'valid'"),
        ({}, {"split": "test"}, "must hold t10k-images-idx3-ubyte"),
    ],
)
def test_damaged_mnist_files_are_refused_with_a_reason(tmp_path, files, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        datasets.mnist(write_mnist(tmp_path, **files), **options)
