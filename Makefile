# `make run` and `make test` do all set-up; both share one environment, .venv.

PYTHON ?= python3
BIN = .venv/bin

.PHONY: run test speed imagine clean

run: .venv/.installed
	$(BIN)/python benchmarks/run_all.py
	$(BIN)/python benchmarks/run_all.py --real-sound $(DATA_ROOT)

test: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/python -m pytest --numprocesses 2

speed: .venv/.installed
	$(BIN)/python benchmarks/speed.py

imagine: .venv/.installed
	$(BIN)/python benchmarks/run_all.py --tasks pictures-from-sound --features wav2clip \
	    --out results/imagine

.venv/.installed: setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "skw2c needs Python 3.11 or later, and '$(PYTHON)' is: $$($(PYTHON) --version 2>&1)"; \
	    echo "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)"; \
	    exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@

clean:
	rm -rf .venv build results *.egg-info
