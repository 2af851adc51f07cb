"""What is recorded are the eigenvalues of the Hessian of each network on the way."""

import numpy as np
import pytest
from builders import random_data, random_network

from geomcore import ReLUNetwork
from training import SGD, CurvatureRecorder, hessian, train, train_ensemble


@pytest.mark.parametrize("widths", [(2, 3, 1), (3, 10, 10, 2)])
def test_the_ends_of_the_spectrum_at_each_record(widths):
    nets = [random_network(widths, seed, scaled=True) for seed in (0, 1)]
    X, Y = random_data(widths, 12, 2)
    recorder, kept = CurvatureRecorder(X, Y, weight_decay=0.1), []

    def keep(snapshot):
        kept.append([snapshot.stacked.network(snapshot.params, k) for k in range(2)])

    options = {"optimizer": SGD(0.01), "steps": 20, "record": 10}
    train_ensemble(nets, X, Y, callbacks=[recorder, keep], **options)
    found = recorder.history()
    assert found.steps.tolist() == [0, 10, 20]
    for r, pair in enumerate(kept):
        for t, net in enumerate(pair):
            values = np.linalg.eigvalsh(hessian(net, X, Y, weight_decay=0.1))
            assert found.largest[r, t] == pytest.approx(values[-1], rel=1e-7)
            assert found.smallest[r, t] == pytest.approx(values[0], rel=1e-6, abs=1e-7)
    assert len(found.frame()) == 6 and repr(recorder) == "CurvatureRecorder(records=3)"


def test_the_edge_of_stability():
    net = random_network((2, 10, 10, 1), 3, scaled=True)
    X, Y = random_data((2, 1), 15, 4)
    recorder, rate = CurvatureRecorder(X, Y), 0.08
    train(net, X, Y, optimizer=SGD(rate), steps=1500, record=100, callbacks=recorder)
    found = recorder.history()
    # it does not stay above 2 / rate, where descent would blow up
    assert np.median(found.largest[5:]) <= 1.5 * 2 / rate
    assert found.losses[-1, 0] < found.losses[0, 0]


def test_wrong_calls_say_which_argument():
    with pytest.raises(ValueError, match="X must"):
        CurvatureRecorder(np.zeros((0, 2)), [])
    with pytest.raises(ValueError, match="is empty"):
        CurvatureRecorder([[1.0]], [[0.0]]).history()


def test_a_symmetric_network_hides_no_eigenvalue():
    rng = np.random.default_rng(0)
    half = random_network((2, 30, 1), 0)
    double = [np.repeat(half.weights[0], 2, axis=0), np.repeat(half.weights[1], 2, axis=1) / 2]
    net = ReLUNetwork(double, [np.repeat(half.biases[0], 2), half.biases[1]])
    X, Y = rng.normal(size=(20, 2)), rng.normal(size=(20, 1))
    recorder, kept = CurvatureRecorder(X, Y), []

    def keep(snapshot):
        kept.append(snapshot.stacked.network(snapshot.params, 0))

    train(net, X, Y, optimizer=SGD(0.02), steps=40, record=2, callbacks=[recorder, keep])
    for found, one in zip(recorder.history().smallest[:, 0], kept, strict=True):
        assert found == pytest.approx(np.linalg.eigvalsh(hessian(one, X, Y))[0], rel=1e-6)
