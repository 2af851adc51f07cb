"""Keywords that a function does not know are answered with the nearest one that it knows."""

import inspect

import pytest

import training
from geomcore.network import ReLUNetwork
from training import (
    SGD,
    PerturbationStudy,
    largest_curvature,
    perturbation_study,
    train,
    train_ensemble,
)
from training.descent.keywords import answering
from training.descent.trainer import OPTIONS

NET, X = ReLUNetwork([[[1.0]]], [[0.0]]), [[-1.0], [1.0]]
STUDY = {"scales": [0.1], "trials": 2, "steps": 3}
CALLS = {
    "train": lambda **given: train(NET, X, X, **given),
    "train_ensemble": lambda **given: train_ensemble([NET], X, X, **given),
    "perturbation_study": lambda **given: perturbation_study(NET, X, X, **STUDY, **given),
    "PerturbationStudy": lambda **given: PerturbationStudy(None, NET, X, X, **STUDY, **given),
}


def parameters_of(name):
    return inspect.signature(getattr(training, name)).parameters


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("lr", "learning_rate"),
        ("learningrate", "learning_rate"),
        ("batchsize", "batch_size"),
        ("penalty", "penalties"),
        ("Loss", "loss"),
        ("optimiser", "optimizer"),
    ],
)
def test_a_slip_of_the_hand_is_answered_with_the_word(name, typed, meant):
    with pytest.raises(TypeError, match=f"'{typed}', did you mean '{meant}'"):
        CALLS[name](**{typed: 1})


def test_a_word_that_is_like_none_is_named():
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'qqq'$"):
        train(NET, X, X, qqq=1)


def test_steps_are_what_others_call_epochs():
    for call in CALLS.values():
        with pytest.raises(TypeError, match="did you mean 'steps'"):
            call(epochs=3)


def test_what_is_public_says_what_it_takes():
    for name in training.__all__:
        value = getattr(training, name)
        if not isinstance(value, type) or not issubclass(value, tuple):
            kinds = {parameter.kind for parameter in inspect.signature(value).parameters.values()}
            assert inspect.Parameter.VAR_KEYWORD not in kinds, name
            assert "Y" not in inspect.signature(value).parameters, name


def test_defaults_are_the_same_everywhere():
    for name in ("train_ensemble", "perturbation_study", "PerturbationStudy"):
        found = {k: p.default for k, p in parameters_of(name).items() if k in OPTIONS}
        own = {"steps", "optimizer"}
        assert {k: v for k, v in found.items() if k not in own} == {
            k: v for k, v in OPTIONS.items() if k not in own
        }
    both = [parameters_of(name) for name in ("perturbation_study", "PerturbationStudy")]
    assert set(both[0]) - {"jobs", "progress"} == set(both[1]) - {"path"}
    assert all(both[0][name].default == both[1][name].default for name in OPTIONS)
    assert both[0]["seed"].default == both[1]["seed"].default == 0


def test_targets_may_still_be_called_by_the_letter_of_the_papers():
    expected = train(NET, X, X, steps=3).final_loss
    assert train(NET, X, Y=X, steps=3).final_loss == expected
    assert largest_curvature(NET, X, Y=X) == largest_curvature(NET, X, X)
    assert train_ensemble([NET], X, Y=X, steps=3).final_losses.shape == (1,)
    assert len(perturbation_study(NET, X, Y=X, **STUDY).frame()) == 2
    with pytest.raises(TypeError, match="multiple values for argument 'y'"):
        train(NET, X, X, Y=X)


def test_a_rate_is_taken_where_people_type_it():
    options = {"steps": 5}
    assert (
        train(NET, X, X, learning_rate=0.1, **options).network
        == train(NET, X, X, optimizer=SGD(0.1), **options).network
    )
    found = perturbation_study(NET, X, X, **STUDY, learning_rate=0.1)
    assert found.reference.learning_rate == 0.1
    ensemble = train_ensemble([NET], X, X, learning_rate=0.1, **options).networks
    assert ensemble == train_ensemble([NET], X, X, optimizer=SGD(0.1), **options).networks
    for call in CALLS.values():
        with pytest.raises(ValueError, match="learning_rate must be left out where an optimizer"):
            call(optimizer=SGD(0.2), learning_rate=0.1)
        with pytest.raises(ValueError, match="learning_rate must be"):
            call(learning_rate=-1.0)


def test_a_decorated_function_keeps_its_name_and_its_text():
    @answering(old="new")
    def told(new):
        """What it does."""
        return new

    assert told(old=3) == told(3) == 3
    assert (told.__name__, told.__doc__) == ("told", "What it does.")
