"""All figures of a survey, with their words."""

import numpy as np

from geomcore import ReLUNetwork
from training.experiments.trained.measures import layer_rows
from training.experiments.trained.plot_all import figures


def test_every_network_has_its_three_figures_and_each_says_what_it_shows(found):
    drawn = {key: (caption, alt) for key, _, caption, alt in figures(found, draws=10)}
    names = ("constructed", "mse", "cross_entropy")
    assert list(drawn) == ["courses", "ladder", "outputs", "noise"] + [
        f"{name}-{key}" for name in names for key in ("stages", "cones", "hyperplanes")
    ]
    for name in names:
        caption, alt = drawn[f"{name}-cones"]
        assert "All layers have full rank" in caption and "layer 3: rank 24 of 24" in alt
    assert "mean over 10 draws" in drawn["noise"][0] and "loss" in drawn["courses"][1]


def test_what_is_drawn_of_deficient_layers_says_so(found):
    X, index = found.digits.X, np.searchsorted(found.digits.chosen, found.digits.y)
    W = np.eye(24)
    W[1] = W[0]
    layers = [np.eye(24), W, np.eye(24)]
    net = ReLUNetwork([*layers, np.zeros((3, 24))], [np.full(24, -0.2)] * 3 + [np.zeros(3)])
    rows = [
        {"loss_name": "mse", "start": 0, "threshold": 0.1, "step": 1} | row
        for row in layer_rows(net, X, index, 3)[0]
    ]
    others = [row for row in found.layers if row["loss_name"] != "mse"]
    networks = {("mse", 0.1): net, ("constructed", 0.0): found.last("constructed")}
    changed = found._replace(layers=rows + others, networks=networks, losses=("mse",))
    drawn = {key: caption for key, _, caption, _ in figures(changed, draws=10)}
    for key in ("stages", "cones", "hyperplanes"):
        assert "Layers 2, 3 are rank-deficient" in drawn[f"mse-{key}"]
        assert "All layers have full rank" in drawn[f"constructed-{key}"]
