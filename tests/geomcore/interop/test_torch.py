import numpy as np
import pytest
from builders import random_network, random_points

pytest.importorskip("torch")

import torch

from geomcore import ReLUNetwork, from_torch, to_torch

nn = torch.nn
WIDTHS = [(3, 3, 2), (2, 5, 5, 1), (1, 1), (4, 2, 2, 3)]


def linear(n, m, **given):
    return nn.Linear(n, m, dtype=torch.float64, **given)


def out(model, X):
    with torch.no_grad():
        return model(torch.tensor(X)).numpy()


# By hand


@pytest.mark.parametrize("widths", WIDTHS)
def test_a_network_goes_out_and_comes_back_bit_for_bit(widths):
    net = random_network(widths)
    model = to_torch(net)
    assert [type(part).__name__ for part in model[:2]] == ["Linear", "ReLU"][: len(model)]
    assert from_torch(model) == net
    np.testing.assert_allclose(
        out(model, random_points(9, widths[0])),
        net(random_points(9, widths[0])),
        rtol=1e-13,
        atol=1e-13,
    )


def test_a_module_shares_no_memory_with_its_network_and_can_be_trained():
    net = random_network((2, 3, 1))
    before = net.weights[0].copy()
    model = to_torch(net)
    with torch.no_grad():
        model[0].weight += 1
    np.testing.assert_array_equal(net.weights[0], before)
    assert all(part.requires_grad for part in model.parameters())
    assert to_torch(net, dtype=torch.float32)[0].weight.dtype == torch.float32


def test_numbers_that_a_type_lacks_are_refused():
    with pytest.raises(ValueError, match=r"net must fit torch.float16, layer 0 has numbers beyond"):
        to_torch(ReLUNetwork([[[1e5]]], [[0.0]]), dtype=torch.float16)


@pytest.mark.parametrize("dtype", ["float32", torch.float32, np.float32, np.dtype("f4")])
def test_a_type_is_that_of_any_library(dtype):
    assert to_torch(random_network((2, 1)), dtype=dtype)[0].weight.dtype == torch.float32


@pytest.mark.parametrize("dtype", ["float8", torch.int32, np.int64, int, "", 3, []])
def test_a_type_that_is_none_of_the_known_is_refused(dtype):
    with pytest.raises(ValueError, match=r"^dtype must be one of 'float64', 'float32', "):
        to_torch(random_network((2, 1)), dtype=dtype)


def test_all_layers_that_are_known_compute_what_pytorch_computes():
    torch.manual_seed(0)
    relu = nn.ReLU()
    model = nn.Sequential(
        nn.Flatten(), linear(6, 5), relu, nn.Dropout(), linear(5, 5, bias=False), relu,
        nn.Sequential(nn.Identity(), linear(5, 4), nn.BatchNorm1d(4).double(), relu), linear(4, 3),
    ).eval()  # fmt: skip
    with torch.no_grad():
        model[6][2].running_mean.normal_()
        model[6][2].running_var.uniform_(0.5, 2)
        model[6][2].weight.normal_()
    X = random_points(20, 6)
    with pytest.warns(UserWarning, match=r"became one \(layer '6.2' \(BatchNorm1d\)\), rounding"):
        net = from_torch(model)
    assert net.widths == (6, 5, 5, 4, 3)
    np.testing.assert_allclose(net(X), out(model, X), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_weights_of_all_types_are_the_same_numbers(dtype):
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).to(dtype)
    net = from_torch(model)
    assert net.weights[0].tolist() == model[0].weight.tolist()
    assert net.biases[1].tolist() == model[2].bias.tolist()


def test_a_forward_pass_agrees_to_rounding_of_float32():
    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Linear(4, 30), nn.ReLU(), nn.Linear(30, 30), nn.ReLU(), nn.Linear(30, 3)
    )
    X = random_points(50, 4).astype(np.float32)
    np.testing.assert_allclose(
        from_torch(model)(X.astype(float)), out(model, X), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("head", [nn.Softmax(1), nn.LogSoftmax(-1), nn.Sigmoid()])
def test_probabilities_at_the_end_are_left_off_and_that_is_told(head):
    body = linear(2, 3)
    with pytest.warns(UserWarning, match=r"model: the .* at the end \(layer '1' .* is left off"):
        net = from_torch(nn.Sequential(body, head))
    assert net == from_torch(body)


def test_a_state_dict_is_a_chain_with_relus_between_and_that_is_told():
    net = random_network((2, 3, 3, 1))
    with pytest.warns(UserWarning, match="it does not tell what is between its layers, ReLU is"):
        assert from_torch(to_torch(net).state_dict()) == net


# Bad input


class Own(nn.Module):
    def forward(self, x):
        return x


def hooked():
    model = nn.Sequential(linear(1, 1))
    model[0].register_forward_hook(lambda module, given, made: made + 1)
    return model


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (Own(), r"must be a torch.nn.Sequential or a state dict, got Own; .* model.state_dict"),
        (nn.Sequential(linear(1, 1), Own()), r"layer '1' \(Own\) is neither"),
        (nn.Sequential(nn.Conv1d(1, 1, 1)), r"layer '0' \(Conv1d\) is neither"),
        (nn.Sequential(nn.LeakyReLU()), r"layer '0' \(LeakyReLU\) is neither"),
        (nn.Sequential(nn.Flatten(0)), r"layer '0' \(Flatten\) is neither"),
        (nn.Sequential(nn.BatchNorm1d(2, track_running_stats=False)), r"'0' \(BatchNorm1d\) is"),
        (nn.Sequential(linear(1, 1), nn.Softmax(0)), r"layer '1' \(Softmax\) is neither"),
        (nn.Sequential(linear(1, 2), nn.Softmax(1), linear(2, 1)), r"'1' \(Softmax\) is not at"),
        (nn.Sequential(linear(1, 2), linear(3, 1)), r"layer '1' \(Linear\) takes 3 numbers, 2"),
        (nn.Sequential(nn.Linear(1, 1, dtype=torch.complex64)), "does not hold real numbers"),
        (nn.Sequential(nn.Linear(1, 1, device="meta")), "does not hold real numbers"),
        (nn.Sequential(), "the end does not tell how many numbers go in"),
        (hooked(), r"layer '0' \(Linear\) has hooks"),
        ({"a": 1}, "entry 'a' is no tensor but of type int"),
        ({"fc.weight": torch.ones(2, 2, dtype=torch.int64)}, "'fc.weight' does not hold real"),
    ],
)
def test_other_modules_are_refused_by_name(model, sentence):
    with pytest.raises(ValueError, match=sentence):
        from_torch(model)


def test_two_hooks_and_a_subclass_cannot_be_seen_through():
    class Doubled(nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    with pytest.raises(ValueError, match=r"layer '0' \(Doubled\) is neither"):
        from_torch(nn.Sequential(Doubled(1, 1)))
    whole = nn.Sequential(nn.Sequential(linear(1, 1)))
    whole[0].register_forward_pre_hook(lambda module, given: (given[0] + 1,))
    with pytest.raises(ValueError, match=r"layer '0' \(Sequential\) has hooks"):
        from_torch(whole)
