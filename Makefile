# Every target makes the environment it needs in .venv; only Python >= 3.11 must be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
METADATA := pyproject.toml setup.py
NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
    echo "geomcore needs Python 3.11 or newer; name one: make PYTHON=python3.12" >&2; exit 1; }

.PHONY: demo test slow lint format doctest bench mutants fuzz oldest newest docs linkcheck clean

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

clean:
	rm -rf $(VENV) .venv-oldest .venv-newest build dist *.egg-info docs/reference docs/examples

$(VENV)/.python:
	@$(PYTHON) $(NEW_ENOUGH)
	$(PYTHON) -m venv $(VENV)
	touch $@

# Editable, so that a change of the code needs no new install; of the metadata, it does.
$(VENV)/.demo: $(VENV)/.python $(METADATA)
	$(BIN)/python -m pip install --quiet -e .
	touch $@

$(VENV)/.test: $(VENV)/.python $(METADATA)
	$(BIN)/python -m pip install --quiet -e '.[test]'
	touch $@

$(VENV)/.docs: $(VENV)/.python $(METADATA)
	$(BIN)/python -m pip install --quiet -e '.[docs]'
	touch $@

.venv-oldest/.test .venv-newest/.test: .venv-%/.test: $(METADATA) tests/oldest.py
	@$(PYTHON) $(NEW_ENOUGH)
	rm -rf .venv-$*
	$(PYTHON) -m venv .venv-$*
	$(PYTHON) tests/oldest.py > .venv-$*/oldest.txt
	.venv-$*/bin/python -m pip install --quiet \
	    $(if $(filter oldest,$*),--constraint .venv-$*/oldest.txt) -e '.[test]'
	touch $@

$(VENV)/.bench: $(VENV)/.python $(METADATA)
	$(BIN)/python -m pip install --quiet -e '.[bench]'
	touch $@
