# Two commands: make demo, make test. The rest are their parts.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: demo test unit bench gallery lint serve clean

$(VENV)/installed: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing Kerma into $(VENV) (about a minute the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[test]"
	@touch $@

demo: $(VENV)/installed  ## build the demo service, run the main job, serve it
	@$(BIN)/kerma demo $(ARGS)

test: $(VENV)/installed  ## everything: style, types, layers, unit, service, browser
	@$(BIN)/python tests/run_all.py $(ARGS)

unit: $(VENV)/installed
	@$(BIN)/python -m pytest -q tests/unit tests/imaging tests/dicom -n 2

bench: $(VENV)/installed  ## ratios and per-item costs
	@$(BIN)/python tests/perf/bench.py $(ARGS)

gallery: $(VENV)/installed  ## draw every measurement on its example into docs/gallery
	@$(BIN)/python -m kerma.simulate.gallery docs

lint: $(VENV)/installed
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/lint-imports

serve: $(VENV)/installed
	@$(BIN)/kerma serve $(ARGS)

clean:
	rm -rf $(VENV) demo-home
