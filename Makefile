# Each target does its own set-up from a clean checkout: Python 3.11 or later and make are all it takes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A test run starts some hundred processes: none should compile anew what another has compiled.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: setup demo run test test-vault lint bench faults clean
.DEFAULT_GOAL := help

help:
	@echo 'make demo    an order'"'"'s whole life, narrated'
	@echo 'make run     a gateway on http://127.0.0.1:8080, data in ./data'
	@echo 'make test    every test, on the real engines'
	@echo 'make test-vault VAULT=/path/to/vault    those of keys and of a served gateway, on HashiCorp Vault'
	@echo 'make lint    ruff, mypy, import-linter, hadolint, shellcheck'
	@echo 'make bench   benchmarks, printed beside their floor'
	@echo 'make faults  the fault-injection tests alone'

setup: $(VENV)/.complete

# Debian's python3 comes without ensurepip, and the tests want a Redis: both from Debian, where we may.
$(VENV)/.complete: pyproject.toml
	@PYTHON="$(PYTHON)" sh tools/debian-packages.sh
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[embedded,sip,test]'
	@touch $@

demo: setup
	$(BIN)/vault-gateway demo

run: setup
	$(BIN)/vault-gateway up --data data

# Much of a test is waiting for engines to start, stop or recover: more workers than two cores, each with engines of its
# own. Files go in the order of tests/conftest.py.
test: setup
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

# The keys' tests and those of a served gateway on HashiCorp Vault instead of OpenBao.
test-vault: setup
	@test -x "$(VAULT)" || { echo 'say where it is: make test-vault VAULT=/path/to/vault' >&2; exit 2; }
	TEST_VAULT_BINARY="$(VAULT)" $(BIN)/python -m pytest tests/functional/keys tests/functional/serve \
	  tests/functional/guarantees/test_stolen_database.py

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	$(BIN)/shellcheck tools/*.sh .ci/run

bench: setup
	$(BIN)/python -m benchmarks

faults: setup
	$(BIN)/python -m pytest tests/faults

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
