# Two environments: .venv runs egoact (no torch), .venv-dev trains, exports, tests and lints.
PYTHON ?= python3
PIP_FLAGS ?= -q --disable-pip-version-check
DEV := .venv-dev/bin

.PHONY: demo test test-all gpu-check lint install dev bundle pictures clean

demo: .venv/installed
	.venv/bin/egoact demo

test: .venv-dev/installed
	$(DEV)/python -m pytest -m "not slow and not gpu" tests

test-all: .venv-dev/installed
	$(DEV)/python -m pytest tests

# Tests marked gpu, training speed, AMP and table 2 at ARGO1M's sizes on an NVIDIA GPU: runs/gpu-check/gpu-check.md
gpu-check: .venv-dev/installed
	$(DEV)/python -m bench.gpu_check --out runs/gpu-check

lint: .venv-dev/installed
	$(DEV)/ruff check .
	$(DEV)/ruff format --check .
	$(DEV)/mypy

# Renders the world, trains, exports and evaluates: everything that lies in edge/assets, from nothing.
bundle: .venv-dev/installed
	$(DEV)/egoact build-bundle --out runs/shipped --install

pictures: .venv-dev/installed
	$(DEV)/python -m docs.make_pictures
	$(DEV)/python -m trainer.data.world.sheet --out docs/pictures/world.jpg

install: .venv/installed

dev: .venv-dev/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	.venv/bin/pip install $(PIP_FLAGS) -c constraints.txt -e .
	touch $@

.venv-dev/installed: pyproject.toml constraints.txt tests/references.txt
	$(PYTHON) -m venv .venv-dev
	$(DEV)/pip install $(PIP_FLAGS) -c constraints.txt -e ".[dev]"
	$(DEV)/pip install $(PIP_FLAGS) --no-deps -r tests/references.txt
	touch $@

clean:
	rm -rf .venv .venv-dev runs world
