"""`NonNegativeSparseCoder`: a sparse autoencoder as a scikit-learn transformer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from constructions.random_states import rng_of
from geomcore.foreign.keywords import answers_keywords
from geomcore.typing import ArrayLike, Floats, Seed
from training.descent.optimizers import Adam
from training.sparse.trainer import train_sparse

if TYPE_CHECKING:
    from numpy.random import RandomState

    from training.typing import DecoderBias, Interaction, Treatment

DTYPES = [np.float64, np.float32]
# What is not passed on to `train_sparse` as it is.
OWN = ("units", "learning_rate", "random_state")


@answers_keywords
class NonNegativeSparseCoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Non-negative sparse codes of a dictionary that is learned with its encoder.

    `fit` calls `train_sparse`, `transform` gives the units of the autoencoder.

    Parameters
    ----------
    units : int, optional
        Default as many as features.
    penalty : float
    treatment, keep_map, tied, loop, gamma, interaction, alpha, decoder_bias : optional
        As for `train_sparse`.
    steps, batch_size : int
        As for `train_sparse`.
    learning_rate : float
        Of Adam.
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None, optional
        As ``rng`` of `train_sparse`; None takes fresh entropy. The default, 0, makes equal calls
        give equal codes.

    Attributes
    ----------
    autoencoder_ : SparseAutoencoder
    result_ : SparseResult
        How training went.
    components_ : ndarray, shape (units, d)
        The dictionary, one atom per row.
    n_features_in_ : int
    feature_names_in_ : ndarray of str, shape (d,)
        If `X` was a data frame with names.

    Raises
    ------
    ValueError
        By `fit`: if an argument does not fit, or a value is missing or infinite.

    See Also
    --------
    train_sparse : the same, with its history, optimizers, penalties and constraints.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.exponential(size=(300, 1)) * np.eye(3)[rng.integers(3, size=300)]
    >>> coder = NonNegativeSparseCoder(units=6, penalty=0.05, loop=5).fit(X)
    >>> Z = coder.transform(X)
    >>> Z.shape, bool((Z >= 0).all()), coder.inverse_transform(Z).shape
    ((300, 6), True, (300, 3))
    """

    def __init__(
        self,
        units: int | None = None,
        *,
        penalty: float = 0.1,
        treatment: Treatment = "columns",
        keep_map: bool = False,
        tied: bool = False,
        loop: int = 0,
        gamma: float | Literal["follow"] | None = None,
        interaction: Interaction = "dictionary",
        alpha: float = 0.01,
        decoder_bias: DecoderBias = "mean",
        steps: int = 2000,
        batch_size: int = 256,
        learning_rate: float = 1e-3,
        random_state: Seed | RandomState = 0,
    ) -> None:
        self.units = units
        self.penalty = penalty
        self.treatment = treatment
        self.keep_map = keep_map
        self.tied = tied
        self.loop = loop
        self.gamma = gamma
        self.interaction = interaction
        self.alpha = alpha
        self.decoder_bias = decoder_bias
        self.steps = steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Train the autoencoder.

        Parameters
        ----------
        X : array_like, shape (N, d)
        y : None
            Not used.

        Returns
        -------
        NonNegativeSparseCoder
            This object.
        """
        X = validate_data(self, X, dtype=DTYPES, order="C")
        given = self.get_params(deep=False)
        units, rate, state = (given.pop(name) for name in OWN)
        self.result_ = train_sparse(
            X,
            X.shape[1] if units is None else units,
            optimizer=Adam(rate),
            rng=rng_of(state),
            **given,
        )
        self.autoencoder_ = self.result_.autoencoder
        self.components_ = np.ascontiguousarray(self.autoencoder_.W_d.T)
        self._n_features_out = len(self.components_)
        return self

    def transform(self, X: ArrayLike) -> Floats:
        """Codes of the rows of `X`, (N, d) to (N, units), none of them negative."""
        check_is_fitted(self, "autoencoder_")
        X = validate_data(self, X, dtype=DTYPES, order="C", reset=False)
        return self.autoencoder_.encode(X)

    def inverse_transform(self, Z: ArrayLike) -> Floats:
        """What codes stand for, (N, units) to (N, d)."""
        check_is_fitted(self, "autoencoder_")
        return self.autoencoder_.decode(Z)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
