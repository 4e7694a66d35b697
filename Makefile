# One way to do each thing. Needs make and Python 3.11 or newer; everything else goes into .venv.
# `make help` lists the targets.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help demo test test-unit bench chaos docs wheel lint format lock clean environment test-environment

# The Python that makes .venv: python3 if it is new enough, else the newest that runs (a version manager's shim may be on
# PATH without a Python behind it, hence the try). `make PYTHON=/path/to/python3.12 ...` says otherwise.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	if $$python -c '$(NEW_ENOUGH)' 2>/dev/null; then echo $$python; break; fi; done)

BIN := .venv/bin

# Tests with real processes wait more than they compute, so more of them run at once than there are cores; each of the
# processes that run tests has servers of its own.
TEST_PROCESSES ?= 4

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

environment:
	@test -n "$(PYTHON)" || { echo "Redrive needs Python 3.11 or newer on PATH (or make PYTHON=/path/to/python3)"; exit 1; }
	@$(PYTHON) scripts/environment.py

test-environment:
	@test -n "$(PYTHON)" || { echo "Redrive needs Python 3.11 or newer on PATH (or make PYTHON=/path/to/python3)"; exit 1; }
	@$(PYTHON) scripts/environment.py --system

demo: environment ## Run a company with everything going wrong (DEMO_SECONDS=90 ends by itself)
	@$(BIN)/python example/demo.py

test: test-environment ## Set up what is needed and run every test (ARGS="-k name" to choose, "-n 0" one by one)
	@$(BIN)/pytest -n $(TEST_PROCESSES) $(ARGS)

test-unit: environment ## The tests without servers, under 20 s
	@$(BIN)/pytest -q -m "not servers and not celery and not rabbitmq and not pages and not web" $(ARGS)

bench: environment ## Measure: every benchmark in bench/, one after the other
	@for file in bench/*.py; do \
		grep -q __main__ $$file || continue; \
		echo; echo "== $$file"; $(BIN)/python $$file || exit 1; \
	done

chaos: test-environment ## Kill everything at random under load, and look for what was lost (ARGS="--seed 7")
	@failed=0; \
	$(BIN)/python -m pytest -n 0 -q tests/endings/test_table.py || failed=1; \
	$(BIN)/python -m chaos.run $(ARGS) || failed=1; \
	$(BIN)/python -m chaos.load || failed=1; \
	exit $$failed

docs: environment ## Write the pages that are made from the code
	@$(BIN)/python scripts/failure_types.py

wheel: environment ## Build the wheel and test it installed, without src (PAIR=oldest or PAIR=newest: scripts/wheel.py)
	@$(BIN)/python scripts/wheel.py $(if $(PAIR),--pair $(PAIR))

lint: environment ## Style, types, import contracts, migrations up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python -m django makemigrations --check --dry-run

format: environment ## Let ruff format the code and sort imports
	$(BIN)/ruff check --select I --fix .
	$(BIN)/ruff format .

lock: environment ## Pin what pyproject.toml asks for in requirements-dev.txt
	$(BIN)/uv lock --upgrade
	$(BIN)/uv export --quiet --no-header --no-annotate --no-emit-project --all-extras --no-hashes -o requirements-dev.txt

clean: ## Remove what was made: .venv, var, build results, caches
	rm -rf .venv var dist build .mypy_cache .ruff_cache .hypothesis .import_linter_cache htmlcov .coverage
	find . -name __pycache__ -prune -exec rm -rf {} +
