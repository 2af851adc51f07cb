"""The claims and the runs that answer for them."""

import pytest

from training.experiments import plot_case, plot_dynamics, plot_minima
from training.experiments.claims.works import WORKS
from training.experiments.kernels import plot_kernels
from training.experiments.mesa import plot_all as plot_mesa
from training.experiments.sparse import plot_all as plot_sparse
from training.experiments.trained import plot_all as plot_trained

# Who draws the pictures of each command.
DRAWN = {
    "mesa": plot_mesa,
    "nonneg": plot_mesa,
    "kernels": plot_kernels,
    "sparse": plot_sparse,
    "minima": plot_minima,
    "study": plot_case,
    "dynamics": plot_dynamics,
    "trained": plot_trained,
}


@pytest.mark.parametrize("work", WORKS, ids=[work.folder for work in WORKS])
def test_every_run_has_pictures_and_its_command_draws_them(work):
    prefix = {"minima": "3-balls", "study": work.full.get("data", "").replace("_", "-")}
    assert work.figures
    for stem, caption in work.figures.items():
        head, key = stem.rsplit("-", 1)
        assert head == prefix.get(work.command, work.command)
        assert key in DRAWN[work.command].CAPTIONS and caption


def test_what_is_typed_is_the_arguments_of_a_size():
    (study,) = [work for work in WORKS if work.folder == "study-c"]
    typed = study.options(quick=True, seed=3)
    assert typed[:3] == ["single_cone", "--no-balance", "--scales"]
    assert typed[-6:] == ["--trials", "40", "--steps", "300", "--seed", "3"]
    (sparse,) = [work for work in WORKS if work.folder == "sparse"]
    assert "--quick" in sparse.options(quick=True, seed=0)
    assert "--quick" not in sparse.options(quick=False, seed=0)
