.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
INSTALLED := .venv/.installed
ROOMS := simulation storage actors cluster
MINUTES ?= 10

.PHONY: help install run test compiled lint bench soak schema clean

help:  ## show the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(INSTALLED)  ## make the environment in .venv

# A pip from before 25 takes twice as long, most of it to look through all releases of each package; 26 shows what building
# warns of. Byte code is made afterwards, on all cores: without it each process of Ray's makes it anew where Python may not
# keep it (PYTHONDONTWRITEBYTECODE, usual in containers). Some packages carry files that are no Python of this version.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "paperdex needs Python 3.11 or later; name one: make PYTHON=python3.11"; exit 2; }
	@$(PYTHON) -m venv .venv
	@$(INSTALL) 'pip>=25,<26' || echo "pip stays as it is, and takes longer"
	@$(INSTALL) --no-compile -c constraints.txt -e '.[test]'
	@$(BIN)/python -m compileall -qq -j 0 .venv/lib $(ROOMS) || true
	@touch $(INSTALLED)

run: install  ## run the built-in scenario
	@$(BIN)/paperdex run

test: install  ## check and run all tests but the slow ones
	@$(MAKE) --no-print-directory --jobs 2 lint compiled
	@$(BIN)/python -m pytest -n 2 --no-loadscope-reorder -m "not slow"

compiled: install  ## compile the kernel into the cache, unless it is there
	@$(BIN)/python -m actors.warming

lint: install  ## check style, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: install  ## measure the kernel, the market, its pools, the lanes, the writer, the statistics of luck, sweeps, the Auto Pilot, live sessions, the control service, fleets on paper, and other programs
	@$(BIN)/python benchmarks/kernel.py
	@$(BIN)/python benchmarks/market.py
	@$(BIN)/python benchmarks/pools.py
	@$(BIN)/python benchmarks/lanes.py
	@$(BIN)/python benchmarks/writer.py
	@$(BIN)/python benchmarks/luck.py
	@$(BIN)/python benchmarks/sweeps.py
	@$(BIN)/python benchmarks/sweep_memory.py
	@$(BIN)/python benchmarks/autopilot.py
	@$(BIN)/python benchmarks/autopilot_speed.py
	@$(BIN)/python benchmarks/live.py
	@$(BIN)/python benchmarks/control_service.py
	@$(BIN)/python benchmarks/scale.py
	@$(BIN)/python benchmarks/peers.py

soak: install  ## run for MINUTES (10) while actors are killed, and tell whether memory grows
	@$(BIN)/python benchmarks/soak.py --minutes $(MINUTES)

schema: install  ## write docs/schema.md from the models
	@$(BIN)/python -m storage.schema_page > docs/schema.md

clean:  ## remove the environment and what tools left
	@rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
