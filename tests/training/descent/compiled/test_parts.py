"""What is called by its address is compiled where it is needed, and only there."""

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from geomcore import ReLUNetwork
from geomcore.layers import Affine, LearnedLpNorm, LpNorm, ReLU
from geomcore.layers.chains import chain_of
from training.descent.compiled import ensemble_descent, parts, passes
from training.descent.compiled.passes import PARTS
from training.descent.compiled.ready import compile_steps, compiled_beside
from training.descent.penalties import L2
from training.descent.trainer import train

LAYERS = {
    "narrow": (Affine(np.ones((127, 1)), np.zeros(127)), set()),
    "wide": (Affine(np.ones((64, 2)), np.zeros(64)), {"wide", "wide_back"}),
    "a norm": (LpNorm([[1.0, 2.0]], [0.0], 3), {"norms", "norms_back"}),
    "a norm of learned order": (
        LearnedLpNorm([[1.0, 2.0]], [0.0], [0.0]),
        {"norms", "norms_back"},
    ),
}


class Terms:
    """The two fields of a task that have a say."""

    def __init__(self, penalties=0, constraints=0):
        self.penalties, self.constraints = np.zeros((penalties, 5)), np.zeros((constraints, 6))


def needed(layers, **terms):
    """The names of the parts that have an address."""
    found = parts.parts_for(chain_of(layers), Terms(**terms), None)
    assert found.dtype == np.int64 and len(found) == len(PARTS)
    return {name for name, address in zip(PARTS, found, strict=True) if address}


# By hand


@pytest.mark.parametrize("kind", sorted(LAYERS))
def test_layers_need_the_passes_of_their_kind(kind):
    layer, expected = LAYERS[kind]
    assert needed([layer]) == expected


def test_a_norm_of_order_one_of_what_is_not_negative_is_affine_with_moduli():
    first = Affine(np.ones((2, 1)), np.zeros(2))
    assert needed([first, ReLU(), LpNorm([[1.0, 2.0]], [0.0], 1)]) == {"moduli"}
    wide = LpNorm(np.ones((64, 2)), np.zeros(64), 1)
    assert needed([first, ReLU(), wide]) == {"moduli", "wide", "wide_back"}


def test_penalties_and_constraints_are_needed_where_there_are_some():
    layers = [LAYERS["narrow"][0]]
    assert needed(layers, penalties=1) == {"penalize"}
    assert needed(layers, constraints=2) == {"project"}


def test_a_pass_that_is_written_is_handed_over_as_it_is():
    chain = chain_of([LAYERS["narrow"][0]])
    found = parts.parts_for(chain, Terms(), SimpleNamespace(address=12))
    assert found.tolist() == [12] + [0] * (len(PARTS) - 1)


def test_each_name_is_where_the_kernels_look_for_it():
    for name, at in (("gradient", passes.GRADIENT), ("wide", passes.WIDE_PASS)):
        assert PARTS[at] == name
    for name in PARTS[2:]:
        assert PARTS[getattr(passes, name.upper())] == name


# In whole runs


def test_one_compiled_version_serves_whatever_parts_are_needed():
    from training.descent.compiled import ensemble

    X, y = np.array([[1.0], [-1.0]]), np.array([[1.0], [0.0]])
    net = ReLUNetwork([[[1.0]]], [[0.0]])
    train(net, X, y, steps=3, engine="compiled", learning_rate=0.1)
    before = len(ensemble.descend.signatures)
    train(net, X, y, steps=3, engine="compiled", learning_rate=0.1, penalties=[L2(0.1)])
    assert len(ensemble.descend.signatures) == before


def test_without_compilation_parts_are_the_functions_themselves():
    program = (
        "import numpy as np; from types import SimpleNamespace;"
        "from geomcore.layers.chains import chain_of; from geomcore.layers import Affine;"
        "from training.descent.compiled import parts, terms;"
        "chain = chain_of([Affine(np.eye(2), np.zeros(2))]);"
        "task = SimpleNamespace(penalties=[], constraints=[0]);"
        "print(parts.parts_for(chain, task, None)[-1] is terms.project)"
    )
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment
    )
    assert done.stdout.strip() == "True", done.stderr


# Beside something else


def test_the_steps_are_ready_after_what_they_are_compiled_beside(monkeypatch):
    calls = []
    monkeypatch.setattr(
        ensemble_descent.ensemble, "descend", lambda *given: calls.append(given[4]) or stop(given)
    )

    def stop(given):
        given[0].status[:, 1] = 1

    with compiled_beside():
        pass
    assert calls == [0, 0]
    compile_steps()
    assert calls == [0] * 4


def test_what_fails_inside_is_raised_after_the_thread_has_ended(monkeypatch):
    from training.descent.compiled import ready

    ended = []
    monkeypatch.setattr(ready, "compile_steps", lambda: ended.append(True))
    with pytest.raises(ZeroDivisionError), compiled_beside():
        raise ZeroDivisionError
    assert ended == [True]
