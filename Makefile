# make demo    two code locations, a scheduler and a client at work on real data (KEEP=1 leaves them running)
# make test    everything that is checked, every test
# make check   the fast part of it, in about a minute
# make bench   one JSON line for each figure in bench/README.md
# make protos  stubs from protos/, after a change of the contract
# make docs    what of docs/ is drawn from tables and tests, after a change of either
# make baseline  the contract that `buf breaking` compares with, at a release

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: demo test check bench protos docs baseline static imports contract generated tools clean

demo: $(INSTALLED)
	@$(BIN)/python -m examples.demo

# Most tests wait for processes: two files at a time take half as long on two cores.
test: static
	$(BIN)/pytest -n 2 --dist loadfile

check: static
	$(BIN)/pytest -q tests/unit tests/properties

bench: $(INSTALLED)
	@$(BIN)/python -m bench

static: $(INSTALLED) tools
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(MAKE) --no-print-directory imports contract generated

imports: $(INSTALLED)
	$(BIN)/lint-imports --config pyproject.toml

contract: tools
	.tools/bin/buf lint
	.tools/bin/buf breaking --against protos/baseline.binpb

generated: $(INSTALLED)
	$(BIN)/python protos/generate.py --check
	$(BIN)/python docs/generate_state_machines.py --check
	$(BIN)/python docs/generate_guarantees.py --check

protos: $(INSTALLED)
	$(BIN)/python protos/generate.py

docs: $(INSTALLED)
	$(BIN)/python docs/generate_state_machines.py
	$(BIN)/python docs/generate_guarantees.py

baseline: tools
	.tools/bin/buf build --exclude-source-info -o protos/baseline.binpb

tools: $(INSTALLED)
	@tools/install

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "rivers needs Python 3.11 or newer: make PYTHON=/path/to/python3.11")'
	@test -x $(BIN)/python || { echo "creating .venv"; $(PYTHON) -m venv .venv; }
	@echo "installing rivers and what it needs into .venv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,examples]'
	@touch $@

clean:
	rm -rf .venv .tools .demo .rivers .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info
