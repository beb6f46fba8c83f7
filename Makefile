# navarch: everything from a clean clone with Python 3.11 or later, in a virtual environment of its own.
PYTHON ?= python3
VENV   ?= .venv
# Test processes: one a core, at most eight; `make test WORKERS=0` runs in this process.
WORKERS ?= auto

BIN   := $(VENV)/bin
STAMP := $(VENV)/.navarch-installed
LABS  := $(VENV)/.navarch-labs-installed
TESTS := $(VENV)/.navarch-tests-installed
DOCS  := $(VENV)/.navarch-docs-installed
BENCH := $(VENV)/.navarch-bench-installed
PIP   := $(BIN)/python -m pip --disable-pip-version-check --quiet install --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo lab test test-slow lint bench docs clean

help:           ## This list
	@grep -E '^[a-z-]+: .*##' Makefile | sed -E 's/^([a-z-]+):[^#]*## */\1|/' | awk -F'|' '{printf "make %-10s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "navarch needs Python 3.11 or later: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

$(STAMP): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing navarch and its dependencies into $(VENV) (once)"
	@$(PIP) hatchling editables
	@$(PIP) --no-build-isolation --editable .
	@touch $@

$(LABS): $(STAMP)
	@echo "Installing what the labs run and measure with (once)"
	@$(PIP) --no-build-isolation --editable '.[labs,measure]'
	@touch $@

$(TESTS): $(STAMP) tests/course/package.json
	@echo "Installing what the tests need (once)"
	@$(PIP) --no-build-isolation --editable '.[test,lint]'
	@! command -v npm >/dev/null || npm --prefix tests/course install --silent --no-package-lock --no-audit --no-fund
	@touch $@

$(DOCS): $(STAMP)
	@$(PIP) --no-build-isolation --editable '.[docs]'
	@touch $@

$(BENCH): $(STAMP)
	@$(PIP) --no-build-isolation --editable '.[bench]'
	@touch $@

demo: $(STAMP)  ## The design document of examples/frontier.yaml: HTML, PDF and Markdown
	@status=0; $(BIN)/navarch design examples/frontier.yaml || status=$$?; \
	[ $$status -le 1 ] || exit $$status  # 1: a constraint is missed, which is an answer

lab: $(LABS)    ## The list of labs; open one with .venv/bin/navarch lab 05
	@$(BIN)/navarch lab list

test: $(TESTS)  ## The tests
	$(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 8 --dist loadfile

test-slow: $(TESTS)  ## The tests that take minutes
	$(BIN)/python -m pytest -m slow -n $(WORKERS) --maxprocesses 8 --dist loadfile

lint: $(TESTS)  ## Style, types and the import contracts
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(BENCH)  ## How fast: tables, beside peers
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/training.py

docs: $(DOCS)   ## The documentation as a site, in site/
	$(BIN)/python scripts/build_docs.py
	$(BIN)/zensical build --strict --clean
	@echo "Documentation: $(CURDIR)/site/index.html"

clean:          ## Remove what was built; the virtual environment stays
	rm -rf site docs/equations build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
