# Four commands, each does all its own set-up: Python >= 3.11, git and make are enough.
#   make run     the demonstration server (make run PORT=9000 moves it)
#   make test    every test that this machine can run
#   make check   formatter, linter, types, import contracts
#   make bench   the benchmarks, side by side (SIZE=1000000: a large archive; ONLY=row,row: some rows;
#                WRITE=1: write docs/explanation/performance.md)

PYTHON ?= python3
PORT ?= 8080
HOST ?= 127.0.0.1
WORKERS ?= 1
TESTS ?= -n 3 --dist worksteal

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

.DELETE_ON_ERROR:
.PHONY: run test check bench clean

run: export SYNDICATE_BASE_URL ?= http://$(HOST):$(PORT)
run: export SYNDICATE_KEYS ?= keys
run: $(VENV)/.run
	@exec $(BIN)/syndicate serve --demo --host $(HOST) --port $(PORT) --workers $(WORKERS)

# Hundreds of processes begin: they share compiled modules, also where the environment forbids to write them.
test: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/.test
	$(BIN)/python -m pytest $(TESTS)

check: $(VENV)/.check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.test
	$(BIN)/python -m tests.bench $(if $(SIZE),--size $(SIZE)) $(if $(ONLY),--only $(ONLY)) $(if $(WRITE),--write)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/.made:
	@echo "setting up $(VENV), once: about half a minute"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "syndicate needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --upgrade "pip>=25.1"
	@touch $@

$(VENV)/.run: $(VENV)/.made pyproject.toml
	@$(PIP) install --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.made pyproject.toml tests/readers/package-lock.json
	@$(PIP) install --editable . --group test
	@if command -v npm >/dev/null; then cd tests/readers && npm ci --no-audit --no-fund --silent; \
	else echo "npm not found: the tests that read feeds with it will be skipped"; fi
	@touch $@

$(VENV)/.check: $(VENV)/.made pyproject.toml
	@$(PIP) install --editable . --group test --group check
	@touch $@
