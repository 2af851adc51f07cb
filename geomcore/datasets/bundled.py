"""The small real data sets that come with scikit-learn."""

from __future__ import annotations

from geomcore.datasets.dataset import Dataset, prepare
from geomcore.foreign.keywords import answers_keywords


@answers_keywords
def iris(*, standardize: bool = True) -> Dataset:
    """Load the iris flowers: 149 distinct rows of 4 measurements, 3 classes.

    Parameters
    ----------
    standardize : bool, optional
        Drop constant columns and scale the others to mean 0 and deviation 1.
        Repeated rows whose labels agree are removed in any case.

    Returns
    -------
    Dataset
        ``info`` as `geomcore.datasets.dataset.prepare` makes it, and ``class_names``,
        ``feature_names``.

    Examples
    --------
    >>> data = iris()
    >>> data, data.info["duplicates"].tolist()
    (Dataset('iris', N=149, d=4, classes=3), [[142, 101]])
    """
    return _bundled("iris", standardize)


@answers_keywords
def wine(*, standardize: bool = True) -> Dataset:
    """Load the wines: 178 rows of 13 measurements, 3 classes.

    Parameters
    ----------
    standardize : bool, optional
        As in `iris`.

    Returns
    -------
    Dataset
        As `iris`.

    Examples
    --------
    >>> wine()
    Dataset('wine', N=178, d=13, classes=3)
    """
    return _bundled("wine", standardize)


@answers_keywords
def breast_cancer(*, standardize: bool = True) -> Dataset:
    """Load the breast cancers: 569 rows of 30 measurements, 2 classes.

    Parameters
    ----------
    standardize : bool, optional
        As in `iris`.

    Returns
    -------
    Dataset
        As `iris`.

    Examples
    --------
    >>> breast_cancer()
    Dataset('breast_cancer', N=569, d=30, classes=2)
    """
    return _bundled("breast_cancer", standardize)


@answers_keywords
def digits(*, standardize: bool = True) -> Dataset:
    """Load the handwritten digits: 1797 images of 8 x 8 pixels, 10 classes.

    Parameters
    ----------
    standardize : bool, optional
        As in `iris`; three pixels are always blank and dropped.

    Returns
    -------
    Dataset
        As `iris`, and ``info["image_shape"] = (8, 8)``: a row ``x`` is drawn by
        putting ``x * scale + mean`` at the pixels ``kept_columns``.

    Examples
    --------
    >>> data = digits()
    >>> data, data.info["dropped_columns"].tolist()
    (Dataset('digits', N=1797, d=61, classes=10), [0, 32, 39])
    """
    data = _bundled("digits", standardize)
    data.info["image_shape"] = (8, 8)
    return data


def _bundled(name, standardize):
    from sklearn import datasets as sklearn_datasets

    raw = getattr(sklearn_datasets, f"load_{name}")()
    X, y, info = prepare(raw.data, raw.target, standardize=standardize)
    info["class_names"] = [str(c) for c in raw.target_names]
    info["feature_names"] = [str(f) for f in raw.feature_names]
    return Dataset(X, y, name, info)
