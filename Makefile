# `make demo` and `make test` each do all of their own set-up from nothing.
PYTHON := .venv/bin/python
STAMP := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help setup spark demo test test-slow coverage lint settings lock bench clean

help:
	@echo "make demo       score the households of Complete Journey and print the ten most valuable at risk"
	@echo "make test       everything that CI runs: lint, types, import contract, tests, examples, notebooks"
	@echo "make test-slow  the recovery and coverage studies with their full number of worlds"
	@echo "make coverage   the tests with branch coverage, and the floor that it must not fall below"
	@echo "make bench      speed and memory beside the peers (benchmarks/README.md)"
	@echo "make lint       ruff, mypy, import contract"
	@echo "make settings   write models/patron.toml and docs/settings.md from the fields of the settings"
	@echo "make setup      only the environment, .venv"
	@echo "make lock       write requirements.lock anew (needs uv)"
	@echo "make clean      remove what the other targets made, but not the MLflow store"

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml scripts/setup.sh
	@./scripts/setup.sh
	@touch $@

# Spark for the tests that compare it with DuckDB, where there is a Java to run it.
spark: $(STAMP)
	@./scripts/spark.sh

demo: $(STAMP)
	@.venv/bin/patron demo

lint: $(STAMP)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

settings: $(STAMP)
	$(PYTHON) scripts/settings.py

test: lint spark
	$(PYTHON) -m pytest -n 2 --dist worksteal -m "not slow"

test-slow: $(STAMP) spark
	$(PYTHON) -m pytest -n 2 --dist worksteal -m slow

coverage: $(STAMP) spark
	$(PYTHON) -m pytest -n 2 --dist worksteal -m "not slow" --cov --cov-report=term:skip-covered

bench: $(STAMP)
	@PYTHON=$(PYTHON) ./benchmarks/run.sh

lock:
	uv pip compile pyproject.toml --universal --python-version 3.12 \
	  --extra demo --extra dev --extra postgres --extra serve --extra spark \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet -o requirements.lock

clean:
	rm -rf .venv out dist benchmarks/.venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
