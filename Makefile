# Klantreis. `make help` lists what you can do; `make demo` and `make test` set everything up themselves.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
UV := $(or $(shell command -v uv),.uv/bin/uv)
RUN := .venv/bin/
SIZE ?= 1

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  \033[1mmake %-12s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: .venv/.ready ## Set up, start Airflow, MLflow and the sandboxes, run the demo company through them (SIZE=1)
	@$(RUN)klantreis demo --size $(SIZE)

.PHONY: stop
stop: ## Stop what `make demo` started
	@$(RUN)klantreis stop

.PHONY: test
test: .venv/.ready system-packages ## Set up and run all tests
	@$(RUN)python -m pytest -n auto --dist loadfile --no-loadscope-reorder --durations=20 $(PYTEST_ARGS)

.PHONY: packs-on-spark
packs-on-spark: .venv/.ready system-packages ## Live the companies of examples/packs on Apache Spark
	@PACKS_ON_SPARK=1 $(RUN)python -m pytest -n0 tests/packs -k people_it_is_for

.PHONY: check
check: .venv/.docs ## Lint, types, configuration, freshness of generated docs, links of the site
	$(RUN)ruff check .
	$(RUN)ruff format --check .
	$(RUN)mypy
	$(RUN)klantreis check
	$(RUN)python -m docs.generate --check
	$(RUN)python -m docs.build --check

.PHONY: sbom
sbom: .venv/.ready ## Write a bill of materials of the lock file (CycloneDX, with hashes): var/sbom.json
	@mkdir -p var && $(UV) export --frozen --offline --quiet --format cyclonedx1.5 --output-file var/sbom.json > /dev/null
	@echo "Written: var/sbom.json"

.PHONY: docs
docs: .venv/.ready ## Write the generated reference pages anew
	$(RUN)python -m docs.generate

.PHONY: site
site: .venv/.docs ## Build the documentation as a site into var/site, to be opened without a server
	@$(RUN)python -m docs.build && echo "Open var/site/index.html"

.PHONY: screenshots
screenshots: .venv/.ready system-packages ## Take the pictures of the journey page in docs/images anew
	@$(RUN)python -m docs.screenshots

.PHONY: format
format: .venv/.ready ## Format the code
	$(RUN)ruff check --fix .
	$(RUN)ruff format .

.PHONY: bench
bench: .venv/.ready ## Time each step against Apache Spark and a plain DuckDB scan (SIZE=1)
	$(RUN)python -m benchmarks.steps --size $(SIZE)

.PHONY: setup
setup: .venv/.ready ## Install the locked environment only

.PHONY: clean
clean: ## Remove the lake, the demo data and the models (not the environment)
	@[ ! -x $(RUN)klantreis ] || $(RUN)klantreis stop
	rm -rf var mlruns/mlflow.db mlruns/artifacts

.PHONY: system-packages
system-packages: # Java for the Apache Spark parity test, Chromium for page tests, PostgreSQL, OpenSMTPD, where apt can install them
	@bash docker/system-packages.sh

.venv/.ready: pyproject.toml uv.lock | $(UV)
	@$(UV) sync --frozen --quiet
	@touch $@

.venv/.docs: .venv/.ready # What builds the site is installed where somebody builds it only
	@$(UV) sync --frozen --quiet --group docs
	@touch $@

.uv/bin/uv:
	@echo "uv is not installed; installing it into .uv/"
	@$(PYTHON) -m venv .uv && .uv/bin/pip install --quiet uv
