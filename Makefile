# Needs GNU make and Python 3.11 with pip, nothing else. CI runs these targets too (.ci/run).
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help env demo test test-slow test-browser test-editor lint format lock bench bench-env clean

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := -m pip install --quiet --disable-pip-version-check --no-compile --only-binary :all: --require-hashes --no-deps
PYTEST := $(BIN)/python -m pytest

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'
	@echo
	@echo "Start with: make demo"

env: .venv/.installed ## make .venv with exactly what requirements.txt names

# A recent pip comes first, from the same lock: it installs the rest in two thirds of the time.
.venv/.installed: requirements.txt pyproject.toml
	@echo "Installing into .venv (about a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@sed -n '/^pip==/,/[^\\]$$/p' requirements.txt > .venv/pip.txt
	@$(BIN)/python $(PIP) -r .venv/pip.txt
	@$(BIN)/python $(PIP) -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: env ## compile, index, evaluate, answer a question, serve Dagster's UI
	@if [ "$${CI:-}" = true ] || [ ! -t 0 ]; then $(BIN)/llmops up --once; else $(BIN)/llmops up; fi

test: env ## the quick tests
	$(PYTEST) -n auto --ignore=tests/e2e --ignore=tests/browser --ignore=tests/editor tests

test-slow: env ## tests with real engines, a real model and a real Postgres
	$(PYTEST) tests/e2e

test-browser: env ## tests that look at the pages with Chromium
	$(PYTEST) tests/browser

test-editor: env ## tests of completion with the real yaml-language-server (needs node and npm)
	$(PYTEST) tests/editor

lint: env ## style, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: env ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## write requirements.txt anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes --no-header \
	  --no-emit-index-url --no-annotate pyproject.toml --output-file requirements.txt
	echo 'hatchling>=1.27' | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-annotate --only-binary :all: --constraint <(grep -oE '^[A-Za-z0-9._-]+==[^ ;\\]+' requirements.txt) \
	  pyproject.toml - --output-file .github/actions/requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-annotate --only-binary :all: bench/requirements.in --output-file bench/requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-annotate --only-binary :all: bench/policies-requirements.in --output-file bench/policies-requirements.txt

bench-env: .venv-bench/.installed .venv-bench-policies/.installed

# The peers of the benchmarks stand apart: dbt holds packages back that the project and the policy engines need newer.
.venv-bench/.installed: bench/requirements.txt
.venv-bench-policies/.installed: bench/policies-requirements.txt
.venv-bench/.installed .venv-bench-policies/.installed:
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	@$(@D)/bin/python $(PIP) -r $<
	@touch $@

bench: env bench-env ## measure the compiler against its peers
	$(BIN)/python -m bench.compile
	$(BIN)/python -m bench.policies
	$(BIN)/python -m bench.plan
	$(BIN)/python -m bench.serve
	$(BIN)/python -m bench.gate

clean: ## remove what the other targets made
	rm -rf .venv .venv-bench .venv-bench-policies build dist .llmops .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
