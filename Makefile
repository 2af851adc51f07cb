# Every target makes the environment it needs in .venv; only Python >= 3.11 must be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Modules are compiled where they are first imported; most of those that come along never are.
INSTALL := -m pip install --quiet --no-compile
METADATA := pyproject.toml setup.py
NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
    echo "geomcore needs Python 3.11 or newer; name one: make PYTHON=python3.12" >&2; exit 1; }

.PHONY: demo test slow lint format doctest bench mutants fuzz oldest oldest-smoke newest docs linkcheck clean

demo: $(VENV)/.demo
	$(BIN)/geomcore quickstart --out runs/quickstart

test: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

slow: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 --dist loadfile -m slow

doctest: $(VENV)/.test
	$(BIN)/python -m pytest --doctest-modules geomcore constructions training

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.bench
	for script in benchmarks/*.py benchmarks/*/*.py; do \
	    PYTHONPATH=benchmarks $(BIN)/python $$script || exit 1; done

# changes every constant and comparison of the proof code; hours, but a stopped run goes on
mutants: $(VENV)/.test
	$(BIN)/python tests/mutants.py $(FILES)

# spoils 100,000 files of all formats and reads them; some minutes
fuzz: $(VENV)/.test
	$(BIN)/python tests/fuzz.py --count $(or $(COUNT),100000)

# the site, into build/docs; GALLERY=0 leaves out what takes long, running the examples
docs: $(VENV)/.docs
	GALLERY=$(or $(GALLERY),1) $(BIN)/python -m sphinx -q -W --keep-going -j 2 docs build/docs

# links to other sites; needs the internet
linkcheck: $(VENV)/.docs
	GALLERY=0 $(BIN)/python -m sphinx -q -b linkcheck docs build/linkcheck

# The same tests with the oldest versions that pyproject.toml promises, and with the newest ones;
# make newest PYTHON=python3.13 takes another Python. TESTS=tests/geomcore: these only.
oldest newest: %: .venv-%/.test
	NUMBA_CACHE_DIR=.venv-$@/numba .venv-$@/bin/geomcore quickstart --quiet --out build/$@
	NUMBA_CACHE_DIR=.venv-$@/numba .venv-$@/bin/python -m pytest -n 2 -m "not slow" $(TESTS)

# What asks most of each dependency, and whole commands: a minute.
SMOKE := $(addprefix tests/, test_oldest.py \
    geomcore/foreign/test_npz.py geomcore/foreign/test_schema.py geomcore/foreign/test_libraries.py \
    geomcore/plot/test_style.py geomcore/datasets/test_datasets.py geomcore/test_threads.py \
    geomcore/test_kernels.py::test_kernels_run_inside_a_parallel_loop geomcore/test_projection.py \
    geomcore/interop/test_onnx.py geomcore/interop/test_safetensors.py \
    geomcore/layers/test_explaining_away.py constructions/proof/test_enclosure.py \
    constructions/separation/test_hulls.py constructions/separation/test_programs.py \
    constructions/test_estimator.py::test_it_works_in_a_pipeline_and_a_grid_search \
    constructions/test_units.py constructions/proof/test_exact.py \
    constructions/two_layer/generation/test_master.py training/commands/arguments/test_resumed.py \
    training/commands/test_construct.py::test_construct_writes_a_run_folder_whose_network_verify_proves \
    training/commands/test_study.py::test_a_study_leaves_its_store_tables_figures_networks_and_a_page \
    training/commands/test_study.py::test_dask_gives_the_rows_of_threads \
    training/commands/test_cli.py::test_help_lists_all_commands_without_loading_what_they_need \
    training/commands/test_cli.py::test_wrong_use_ends_with_status_two_and_one_line \
    training/landscape/test_spectrum.py training/output/test_page.py training/output/test_pieces.py \
    training/output/test_record.py training/report/test_plot_views.py training/study/test_records.py)
oldest-smoke: .venv-oldest/.test
	NUMBA_CACHE_DIR=.venv-oldest/numba .venv-oldest/bin/python -m pytest -q -m "not slow" $(SMOKE)

clean:
	rm -rf $(VENV) .venv-oldest .venv-newest build dist *.egg-info docs/reference docs/examples

$(VENV)/.python:
	@$(PYTHON) $(NEW_ENOUGH)
	$(PYTHON) -m venv $(VENV)
	touch $@

# Editable, so that a change of the code needs no new install; of the metadata, it does.
$(VENV)/.demo: $(VENV)/.python $(METADATA)
	$(BIN)/python $(INSTALL) -e .
	touch $@

$(VENV)/.test: $(VENV)/.python $(METADATA)
	$(BIN)/python $(INSTALL) -e '.[test]'
	touch $@

$(VENV)/.docs: $(VENV)/.python $(METADATA)
	$(BIN)/python $(INSTALL) -e '.[docs]'
	touch $@

.venv-oldest/.test .venv-newest/.test: .venv-%/.test: $(METADATA) tests/oldest.py
	@$(PYTHON) $(NEW_ENOUGH)
	rm -rf .venv-$*
	$(PYTHON) -m venv .venv-$*
	$(PYTHON) tests/oldest.py > .venv-$*/oldest.txt
	.venv-$*/bin/python $(INSTALL) \
	    $(if $(filter oldest,$*),--constraint .venv-$*/oldest.txt) -e '.[test]'
	touch $@

$(VENV)/.bench: $(VENV)/.python $(METADATA)
	$(BIN)/python $(INSTALL) -e '.[bench]'
	touch $@
