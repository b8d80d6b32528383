# Two environments: .venv runs egoact (no torch), .venv-dev trains, exports, tests and lints.
PYTHON ?= python3
PIP_FLAGS ?= -q --disable-pip-version-check
DEV := .venv-dev/bin

# What the tests need: a compiler for the shim camera, a sound server with a virtual microphone, PortAudio, a terminal, and
# on Debian a browser (Ubuntu's package of that name installs nothing; its test then skips and says so).
SYSTEM_PACKAGES := gcc libc6-dev libportaudio2 libasound2-plugins pulseaudio pulseaudio-utils tmux \
  $(shell . /etc/os-release 2> /dev/null && test "$$ID" = debian && echo chromium)

.PHONY: demo test test-all gpu-check lint install dev bundle pictures coverage mutants clean system bench-check

demo: .venv/installed
	.venv/bin/egoact demo

test: system .venv-dev/installed
	$(DEV)/python -m pytest -n 2 --dist loadfile -m "not slow and not gpu" tests

test-all: system .venv-dev/installed
	$(DEV)/python -m pytest tests

# Tests marked gpu, training speed, AMP and table 2 at ARGO1M's sizes on an NVIDIA GPU: runs/gpu-check/gpu-check.md
gpu-check: .venv-dev/installed
	$(DEV)/python -m bench.gpu_check --out runs/gpu-check

# Speed as ratios to FP32 against bench/baseline.json: names what got slower; never an absolute time.
bench-check: .venv-dev/installed
	$(DEV)/python -m bench.check

# The fast tests with the lines they run: runs/coverage/index.html
coverage: system .venv-dev/installed
	mkdir -p runs/coverage
	COVERAGE_FILE=runs/coverage/data $(DEV)/python -m pytest -n 2 --dist loadfile -m "not slow and not gpu" \
	  --cov=edge --cov=trainer --cov=calibration --cov=export \
	  --cov-report=html:runs/coverage --cov-report=term:skip-covered tests

# One change at a time of rings, windows, decisions, Q/DQ and losses: do their tests notice? runs/mutants.md
mutants: .venv-dev/installed
	OMP_NUM_THREADS=1 $(DEV)/python -m bench.mutants --out runs/mutants.md

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

# Debian and Ubuntu; does nothing when everything is there. Never pipewire-alsa: it removes pulseaudio.
system:
	@! command -v dpkg > /dev/null || dpkg -s $(SYSTEM_PACKAGES) > /dev/null 2>&1 || \
	  (SUDO=$$(test $$(id -u) = 0 || echo sudo); $$SUDO apt-get update -qq; \
	   $$SUDO env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(SYSTEM_PACKAGES))

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
