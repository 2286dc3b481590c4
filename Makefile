# `make demo` and `make test` need Python 3.11 or newer and nothing else: they make a virtual environment first.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# Many tests wait for processes, so one worker more than there are processors.
export PYTEST_XDIST_AUTO_NUM_WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

.PHONY: demo test test-lowest test-hosts bench docs frameworks format clean

demo: $(VENV)/.installed  ## install, and run the quickstart
	$(BIN)/optsearch run configs/quickstart.yaml  # its last lines say where the report is

test: $(VENV)/.installed-test  ## format, lint, types, tests: what CI runs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -n auto --dist worksteal

test-lowest: $(VENV)-lowest/.installed  ## the tests with the lowest versions that pyproject.toml admits
	$(VENV)-lowest/bin/pytest -n auto --dist worksteal -W default  # libraries of then warn of newer ones

test-hosts: $(VENV)/.installed-test  ## faults of a cluster on hosts made of network namespaces: root, iproute2, ten minutes
	OPTSEARCH_HOSTS=1 $(BIN)/pytest tests/test_search_hosts.py

bench: $(VENV)/.installed-test  ## measure, and write docs/benchmarks.md
	$(BIN)/python -m benchmarks.run

docs: $(VENV)/.installed-docs  ## build the site into build/site
	$(BIN)/sphinx-build -b html -c docs -E -W --keep-going --quiet . build/site
	@echo "built build/site/index.html"

frameworks: $(VENV)/.installed-test  ## install Flax and the Hugging Face Trainer, which two tests need (280 MB on disk)
	$(INSTALL) -e '.[frameworks]'

format: $(VENV)/.installed-test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "optsearch needs Python 3.11 or newer: make PYTHON=python3.11 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) -e .
	@touch $@

$(VENV)/.installed-docs: $(VENV)/.installed
	$(INSTALL) -e '.[docs]'
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(INSTALL) -e '.[test]'
	@touch $@

$(VENV)-lowest/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)-lowest
	$(VENV)-lowest/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(VENV)-lowest/bin/uv pip install --quiet --native-tls --python $(VENV)-lowest/bin/python \
		--resolution lowest-direct --only-binary :all: --no-binary optsearch -e '.[test]'
	@touch $@

clean:
	rm -rf $(VENV) $(VENV)-lowest build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
