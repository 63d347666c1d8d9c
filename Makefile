# `make run` and `make test` do all set-up; both share one environment, .venv.

PYTHON ?= python3
BIN = .venv/bin

.PHONY: run test browser docs speed imagine clean

run: .venv/.installed
	$(BIN)/python benchmarks/run_all.py
	$(BIN)/python benchmarks/run_all.py --real-sound $(DATA_ROOT)
	@$(BIN)/python -m benchmarks.datasets.library

# Bytecode is kept, or each of some hundred processes would compile the package and the tests anew.
test: .venv/.installed browser
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/mypy skw2c
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --numprocesses 2

# For the tests of the listening page, which are skipped where no browser can be had.
browser:
	@for name in chromium chromium-browser google-chrome; do \
	    command -v $$name >/dev/null && exit 0; \
	done; \
	if [ -f /etc/debian_version ] && command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	    echo "Chromium is being installed for the tests of the listening page."; \
	    export DEBIAN_FRONTEND=noninteractive; \
	    apt-get update -qq && \
	    apt-get install -qq --yes --no-install-recommends chromium >/dev/null && exit 0; \
	fi; \
	echo "There is no Chromium or Chrome: the tests of the listening page will be skipped."

docs: .venv/.documented
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html
	$(BIN)/python -m sphinx -W --keep-going -q -b linkcheck -D plot_gallery=0 docs docs/_build/links
	@echo "The documentation is in docs/_build/html/index.html"

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

# Beside what the tests need, since the examples use it.
.venv/.documented: .venv/.installed
	$(BIN)/python -m pip install --quiet --editable '.[test,docs]'
	touch $@

clean:
	rm -rf .venv build results docs/_build docs/auto_examples docs/generated *.egg-info
