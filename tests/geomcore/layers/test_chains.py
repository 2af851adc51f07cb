"""Chains of layers as tables, by hand."""

import numpy as np
import pytest

from geomcore.layers import Affine, LpNorm, ReLU
from geomcore.layers.chains import AFFINE, KIND, MODULI, NORM, ORDER, chain_of, room_for

ONE = Affine([[1.0]], [0.0])


@pytest.mark.parametrize(
    "layers", [[ReLU(), ONE], [ONE, ReLU(), ReLU()], [ONE, np.abs], [ReLU()], [np.abs]]
)
def test_what_is_no_chain_of_maps_and_relus_is_not_known(layers):
    assert chain_of(layers) is None


def test_a_norm_of_order_one_is_affine_only_after_a_relu():
    head = LpNorm([[1.0]], [0.0], 1)
    assert chain_of([ONE, ReLU(), head])[:, KIND].tolist() == [AFFINE, MODULI]
    assert chain_of([ONE, head])[:, KIND].tolist() == [AFFINE, NORM]
    assert chain_of([head])[:, KIND].tolist() == [NORM]


def test_the_order_of_a_norm_is_kept_to_the_last_bit():
    for p in (1.0, np.nextafter(2, 3), 1e300):
        chain = chain_of([LpNorm([[1.0, 2.0]], [0.0], p)])
        assert chain[0, ORDER:].view(np.float64)[0] == p


def test_room_is_one_row_for_each_output_and_for_each_slope_and_two_for_each_norm():
    layers = [Affine(np.ones((3, 2)), np.zeros(3)), LpNorm(np.ones((2, 3)), np.zeros(2), 3)]
    assert room_for(chain_of(layers)) == 3 + 2 + 2 * (3 + 2)
