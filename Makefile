# `make help` lists everything. Settings are variables MODELGATE_*, see docs/settings.md.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/pip --disable-pip-version-check -q
FRAMEWORKS := .venv-frameworks
# Written when web/ is built; everything web/ is made of makes it old.
WEB    := src/modelgate/portal/web/sources.sha256
WEB_SOURCES := $(shell find web -type f -not -path 'web/node_modules/*' -not -path 'web/dist/*')
# Half of the time of tests is waiting: on two cores three processes take 9 minutes where two take 13.
TEST_PROCESSES ?= 3
# Tests start hundreds of processes, and each would compile all of Modelgate again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run install web test test-e2e test-samples test-frameworks check check-lint check-mypy check-pyright check-web format bench lock clean

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: $(VENV)/installed $(WEB) ## Serve everything on one port, with the sandbox behind it
	@exec $(BIN)/modelgate serve

install: $(VENV)/installed ## Create the environment and install what is needed to run

web: $(WEB) ## Build the documentation site and the console, if their sources have changed

test: $(VENV)/installed-dev $(WEB) ## Run the tests
	$(BIN)/python -m tests.second_look -q -m "not e2e and not samples" -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder

test-e2e: $(VENV)/installed-dev $(WEB) ## Run the tests that need a browser (Debian's chromium)
	$(BIN)/python -m tests.second_look -q -m e2e -n 2 --dist loadfile tests/e2e

test-samples: $(VENV)/installed-dev ## Run the sample programs of the site in the languages that this machine has
	$(BIN)/pytest -q -m samples tests/sample_programs

test-frameworks: $(VENV)/installed $(FRAMEWORKS)/installed ## Run the tests with LangChain and LlamaIndex, in an environment of their own
	$(FRAMEWORKS)/bin/python -m pytest -q -W default tests/frameworks

check: check-lint check-mypy check-pyright check-web ## Format, lint, types and import rules

check-lint: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

check-mypy: $(VENV)/installed-dev
	$(BIN)/mypy

check-pyright: $(VENV)/installed-dev
	$(BIN)/pyright

check-web: $(VENV)/installed-dev
	$(BIN)/python hatch_build.py check

format: $(VENV)/installed-dev ## Format the code and mend what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/installed-dev ## Measure against nginx on this machine (needs Debian's nginx and wrk)
	$(BIN)/python -m bench

lock: $(VENV)/installed-dev ## Resolve the dependencies anew, with hashes
	$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 -q -U --group dev pyproject.toml -o requirements-dev.lock
	$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 -q -c requirements-dev.lock --group build pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 -q -U requirements-frameworks.in -o requirements-frameworks.lock

clean: ## Remove the environment and everything generated; data directories stay
	rm -rf $(VENV) $(FRAMEWORKS) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache src/modelgate/sandbox/data/*.tiktoken \
		src/modelgate/portal/web web/node_modules

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Modelgate needs Python 3.11 or newer: make PYTHON=python3.11 …" >&2; exit 1; }
	@echo "Creating $(VENV) …"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.lock pyproject.toml hatch_build.py | $(BIN)/python
	@echo "Installing (once, a minute or so) …"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-build-isolation --no-deps -e .
	@touch $@

$(WEB): $(WEB_SOURCES) hatch_build.py | $(VENV)/installed
	@$(BIN)/python hatch_build.py

$(VENV)/installed-dev: requirements-dev.lock $(VENV)/installed
	@echo "Installing what the tests need (once, a minute or so) …"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

$(FRAMEWORKS)/installed: requirements-frameworks.lock
	@echo "Installing LangChain and LlamaIndex (once, two minutes or so) …"
	@$(PYTHON) -m venv $(FRAMEWORKS)
	@$(FRAMEWORKS)/bin/pip --disable-pip-version-check -q install --require-hashes -r requirements-frameworks.lock
	@touch $@
