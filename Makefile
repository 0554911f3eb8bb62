# Everything a developer does here. Needs Python 3.11+ with venv, and make; the rest is installed into .venv.
#
#   make run    set up, then start the demo        ARGS="--port 9000"  further arguments of `tyrian demo`
#   make test   set up, then run all tests         PYTEST_ARGS="-k viber --slow"
#   make lint | format | bench | docs | lock | clean

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.installed
LOCK   := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
          --custom-compile-command "make lock" $(LOCK_ARGS) pyproject.toml

# Some machines forbid it to keep what was compiled: each of the tests' processes would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test lint format bench docs lock clean setup
.DEFAULT_GOAL := run

run: $(READY)
	@exec $(BIN)/tyrian demo $(ARGS)

test: $(READY)
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

bench: $(READY)
	@$(BIN)/python -m bench $(ARGS)

docs: $(READY)
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html $(SPHINX_ARGS)

# Takes the newest versions with LOCK_ARGS=--upgrade; without it, only what pyproject.toml asks for changes.
lock: $(READY)
	$(LOCK) --output-file requirements.lock
	$(LOCK) --constraints requirements.lock --group dev --group docs --output-file requirements-dev.lock

setup: $(READY)

$(READY): requirements-dev.lock pyproject.toml scripts/setup
	@PYTHON="$(PYTHON)" scripts/setup "$(VENV)"
	@touch $@

clean:
	rm -rf $(VENV) build dist docs/_build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
