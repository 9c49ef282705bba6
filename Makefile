# Two targets do all the set-up on a fresh machine with Python 3.10 or newer:
#
#   make demo    install into .venv-demo, analyse the bundled tracks, print the table
#   make test    install into .venv-test with the test extras, run the whole suite
#
# and for work on skandi:
#
#   make lint    ruff and mypy          make format   let ruff rewrite
#   make docs    the documentation, into docs/_build/html; warnings and broken links are errors
#   make linkcheck              its links to other places too, which needs a network
#   make build   sdist and wheel        make clean    remove what was made here
#
# Knobs: PYTHON=python3.12, CONSTRAINTS= (newest of everything), PIP_ARGS="...",
#        PYTEST_ARGS="-k normalize -x", WORKERS=4 (0: one process)
# A torch without CUDA on Linux:
#        make demo PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"

PYTHON      ?= python3
CONSTRAINTS ?= constraints/tested.txt
PIP_ARGS    ?=
PYTEST_ARGS ?=
WORKERS     ?= auto
TEST_VENV   ?= .venv-test
DEMO_VENV   ?= .venv-demo

PIP_INSTALL := -m pip install --quiet --disable-pip-version-check \
	$(if $(strip $(CONSTRAINTS)),--constraint $(CONSTRAINTS)) $(PIP_ARGS)
PACKAGE     := $(shell find skandi -type f -not -name '*.py[co]')
SAMPLE      := skandi/data/sample_tracks.csv

# Each test process keeps to one thread: the suite runs as many processes as there are cores.
# Without SCIPY_ARRAY_API scikit-learn skips one of its checks.
TEST_ENV    := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 SCIPY_ARRAY_API=1

# Warnings are errors; all of them are told, not only the first.
SPHINX      := OMP_NUM_THREADS=1 MPLBACKEND=agg $(TEST_VENV)/bin/python -m sphinx \
	--fail-on-warning --keep-going --nitpicky --quiet -d docs/_build/doctrees

.PHONY: help demo test lint format docs linkcheck build clean
.DELETE_ON_ERROR:

help:
	@awk '!/^#/ { exit } { sub(/^# ?/, ""); print }' Makefile

demo: $(DEMO_VENV)/.installed
	$(DEMO_VENV)/bin/skandi predict $(SAMPLE)

test: $(TEST_VENV)/.installed
	$(TEST_ENV) $(TEST_VENV)/bin/python -m pytest -n $(WORKERS) --maxprocesses 8 $(PYTEST_ARGS)

lint: $(TEST_VENV)/.installed
	$(TEST_VENV)/bin/ruff check .
	$(TEST_VENV)/bin/ruff format --check .
	$(TEST_VENV)/bin/python -m mypy

format: $(TEST_VENV)/.installed
	$(TEST_VENV)/bin/ruff check --fix .
	$(TEST_VENV)/bin/ruff format .

# A page of a name that is gone would be in no table of contents: reference pages are made anew.
docs: $(TEST_VENV)/.docs-installed
	rm -rf docs/generated
	$(SPHINX) -b html docs docs/_build/html
	$(TEST_VENV)/bin/python docs/check_links.py docs/_build/html

linkcheck: $(TEST_VENV)/.docs-installed
	$(SPHINX) -b linkcheck -D plot_gallery=False docs docs/_build/linkcheck

build: $(TEST_VENV)/.installed
	$(TEST_VENV)/bin/python -m build

clean:
	rm -rf $(DEMO_VENV) $(TEST_VENV) build dist .mypy_cache .pytest_cache .ruff_cache
	rm -rf docs/_build docs/auto_examples docs/generated
	find skandi tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Installed editable: a change in skandi/ needs no new installation, only one of the requirements does.
# The andi extra asks for nothing where its simulators cannot be installed (Python 3.13 and newer).
$(TEST_VENV)/.installed: pyproject.toml $(CONSTRAINTS)
	@$(call new_venv,$(TEST_VENV))
	$(TEST_VENV)/bin/python $(PIP_INSTALL) --editable '.[dev,andi]'
	@touch $@

# What builds the documentation comes on top of the test environment.
$(TEST_VENV)/.docs-installed: $(TEST_VENV)/.installed
	$(TEST_VENV)/bin/python $(PIP_INSTALL) --editable '.[docs]'
	@touch $@

# Installed as a user would, from the files of the package: so any change of them counts.
$(DEMO_VENV)/.installed: pyproject.toml $(CONSTRAINTS) $(PACKAGE)
	@$(call new_venv,$(DEMO_VENV))
	$(DEMO_VENV)/bin/python $(PIP_INSTALL) .
	@touch $@

define new_venv
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 10) else \
		"skandi needs Python 3.10 or newer, and $(PYTHON) is " + sys.version.split()[0] \
		+ "; say which to use: make PYTHON=python3.12 ...")' \
	&& { test -x $(1)/bin/python || $(PYTHON) -m venv $(1); } \
	&& echo "Installing skandi and what it needs into $(1) (torch is large: some minutes the first time)"
endef
