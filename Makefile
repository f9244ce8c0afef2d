# The front door: `make` lists what there is.

# The interpreter that .venv is made with, once: make PYTHON=python3.13 test
PYTHON ?= python3
# More for pytest: make test PYTEST_FLAGS="-x -k frame". The examples of a page build on each other: a file, a worker.
PYTEST_FLAGS ?= -n auto --maxprocesses 4 --dist loadfile

BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help compare test check format bench kills damage faults lock clean moved

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F'|' '{ printf "  make %-9s %s\n", $$1, $$2 }'

compare: $(READY) ## compare the agents on NChain; figures and numbers go to results/
	$(BIN)/qlearn compare NChain-v0 --out results

test: check ## check, then run every test and every example in the documentation
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

check: $(READY) ## lint, formatting, types, and which room may import which
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(READY) ## mend formatting and what the linter can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(READY) ## run the benchmarks
	$(BIN)/python -m benchmarks

kills: $(READY) ## kill trainings at 50 random moments; the log goes to tests/faults/logs
	$(BIN)/python tests/faults/checkpoint_kills.py

damage: $(READY) ## damage checkpoints at every offset; the log goes to tests/faults/logs
	$(BIN)/python tests/faults/checkpoint_damage.py

faults: $(READY) ## try what can go wrong, for real; the logs go to tests/faults/logs
	$(BIN)/python tests/faults/divergence.py
	$(BIN)/python tests/faults/settings.py
	$(BIN)/python tests/faults/determinism.py
	$(BIN)/python tests/faults/misbehaving.py
	$(BIN)/python tests/faults/store_disk.py --out tests/faults/logs/store-disk.md
	$(BIN)/python tests/faults/store_damage.py --each 3000 --out tests/faults/logs/store-damage.md
	$(BIN)/python tests/faults/store_kills.py --out tests/faults/logs/store-kills.md

lock: $(READY) ## pin the newest versions that pyproject.toml allows
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile pyproject.toml --group dev --output-file requirements.lock --upgrade \
		--universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

clean: ## remove .venv and what tools keep; results/ stays
	rm -rf .venv build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A virtual environment holds absolute paths, so one whose folder was moved is made anew.
ifneq ($(shell cat $(READY) 2>/dev/null),$(CURDIR))
$(READY): moved
endif

# The stamp goes first and comes last, so what an interruption leaves has none and is cleared next time.
$(READY): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "qlearn needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>/dev/null || echo not there)." >&2; \
		echo "Name another one: make PYTHON=python3.13 $(MAKECMDGOALS)" >&2; exit 2; }
	@echo "Setting up .venv; the first time takes a minute or two."
	@if [ "$$(cat $@ 2>/dev/null)" != "$(CURDIR)" ]; then rm -rf .venv; $(PYTHON) -m venv .venv; fi
	@rm -f $@
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@echo "$(CURDIR)" > $@
