"""`GeometricClassifier`: constructed networks as a scikit-learn estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from constructions.construction import construct
from constructions.random_states import rng_of
from constructions.verification.verification import verify as verified
from geomcore.arrays import as_points
from geomcore.foreign.choices import as_flag
from geomcore.foreign.keywords import answers_keywords
from geomcore.typing import Array, ArrayLike, NDArray, Seed

if TYPE_CHECKING:
    from numpy.random import RandomState

    from constructions.typing import BasePoints, Method
    from geomcore.cones import PolyhedralCone


@answers_keywords
class GeometricClassifier(ClassifierMixin, BaseEstimator):
    """A ReLU network built from the training data without training, as a classifier.

    `fit` calls `construct`: the network maps every training point exactly to the one-hot
    row of its class, so the training accuracy is 1, and `verify` proves it. The point of
    this class is to compare such networks with other classifiers on held-out data, by the tools
    that people have for that (pipelines, cross-validation, grid search); it is not meant
    to win. Nothing in the theorems speaks of new points.

    Parameters
    ----------
    method : str, optional
        As for `construct`; "auto" takes the first theorem that applies.
    verify : bool, optional
        Whether `fit` has the minimum proved; False saves that time.
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None, optional
        As ``rng`` of `construct`; None takes fresh entropy. The default, 0, makes
        equal calls give equal networks.
    cone, simplex, hidden_width, base_points, robust, beam, weight_decay : optional
        As for `construct`.

    Attributes
    ----------
    network_ : ReLUNetwork
        Output k belongs to ``classes_[k]``.
    certificate_ : Certificate or None
        What `verify` says of the network on the training data; None if it was not asked, or with
        a weight decay: then `construction_` has the proved gap.
    construction_ : Construction
        The network with the theorem that made it, layer by layer.
    classes_ : ndarray, shape (Q,)
        The labels, sorted.
    n_features_in_ : int
    feature_names_in_ : ndarray of str, shape (d,)
        If `X` was a data frame with names.

    Raises
    ------
    ValueError
        By `fit`: if the arguments do not fit together, a value is missing or infinite, there
        is one class only, or equal points have different labels (which rows).
    ConstructionError
        By `fit`: if the method does not apply to the data. "auto" always finds one that does,
        up to the limits of double precision.

    See Also
    --------
    construct : the same network, with arguments for targets other than one-hot rows.

    Notes
    -----
    What to expect: the accuracy of a good simple classifier, or a little less. With standardised
    features, the mean of five folds was 0.95 on iris (logistic regression 0.96, the nearest
    neighbour 0.95), 0.97 on wine (0.98, 0.96), 0.95 on breast_cancer (0.98, 0.96) and
    0.95 on digits (0.97, 0.97); without standardising, a point or two less. A network of loss
    zero follows every wrong label: with a tenth of the labels of wine drawn at random it had
    0.74, where logistic regression had 0.97 and the nearest neighbour 0.89.

    Examples
    --------
    >>> X = [[0.0, 0.0], [0.1, 0.0], [3.0, 0.0], [3.0, 0.2], [0.0, 3.0], [0.1, 3.0]]
    >>> model = GeometricClassifier().fit(X, ["a", "a", "b", "b", "c", "c"])
    >>> model.predict([[0.0, 0.1], [3.1, 0.0]]).tolist()
    ['a', 'b']
    >>> model.construction_.method, model.certificate_.verdict
    ('sequential', 'global minimum')
    """

    def __init__(
        self,
        method: Method = "auto",
        *,
        verify: bool = True,
        random_state: Seed | RandomState = 0,
        cone: PolyhedralCone | tuple[ArrayLike, ArrayLike] | None = None,
        simplex: ArrayLike | None = None,
        hidden_width: int | None = None,
        base_points: BasePoints = "free",
        robust: bool | None = None,
        beam: int | None = None,
        weight_decay: float | None = None,
    ) -> None:
        self.method = method
        self.verify = verify
        self.random_state = random_state
        self.cone = cone
        self.simplex = simplex
        self.hidden_width = hidden_width
        self.base_points = base_points
        self.robust = robust
        self.beam = beam
        self.weight_decay = weight_decay

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Build the network of these points and, if asked, prove that its loss is zero.

        Parameters
        ----------
        X : array_like, shape (N, d)
        y : array_like, shape (N,)

        Returns
        -------
        GeometricClassifier
            Itself.
        """
        verify = as_flag(self.verify, "verify")
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        y = column_or_1d(y)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            only = self.classes_.tolist()[0]
            raise ValueError(f"y must hold at least two classes, got 1 class, {only!r}")
        X = as_points(X).astype(np.float64, copy=False)
        self.construction_ = construct(
            X,
            y,
            self.method,
            rng=rng_of(self.random_state),
            cone=self.cone,
            simplex=self.simplex,
            hidden_width=self.hidden_width,
            base_points=self.base_points,
            robust=self.robust,
            beam=self.beam,
            weight_decay=self.weight_decay,
        )
        self.network_ = self.construction_.network
        proves = verify and self.weight_decay is None
        self.certificate_ = verified(self.network_, X, y) if proves else None
        return self

    def decision_function(self, X: ArrayLike) -> Array:
        """How much the network favours each class.

        Parameters
        ----------
        X : array_like, shape (N, d)

        Returns
        -------
        ndarray, shape (N, Q), or (N,) for two classes
            The outputs of the network, near 0 and 1 on the training data; of two classes
            the second output minus the first, near -1 and 1 there.
        """
        check_is_fitted(self, "network_")
        outputs = self._outputs(X)
        return outputs[:, 1] - outputs[:, 0] if len(self.classes_) == 2 else outputs

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The class whose one-hot row is nearest to the output of the network.

        Parameters
        ----------
        X : array_like, shape (N, d)

        Returns
        -------
        ndarray, shape (N,)
            Entries of ``classes_``; of equally near ones the first.
        """
        check_is_fitted(self, "network_")
        # One-hot rows are all of length 1, so the nearest one is that of the largest output.
        return self.classes_[self._outputs(X).argmax(axis=1)]

    def _outputs(self, X):
        X = validate_data(self, X, reset=False)
        return self.network_(as_points(X).astype(np.float64, copy=False))
