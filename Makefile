# `make help` lists what can be made. Everything runs in a virtual environment, .venv, which the first target makes.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
BENCH_EVALUATION := .cache/bench-evaluation
BENCH_FINETUNE := .cache/bench-finetune
SHARING := .cache/test-sharing
LOCKS := .cache/locks
# The locks name every package and its hashes, so pip adds none of its own. The build tools come first: two packages
# come as source, and are built with these tools and no others.
LOCKED := install --quiet --require-hashes --no-deps --no-build-isolation
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header
# torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl, the build for machines without a GPU, which is not on PyPI.
TORCH_CPU := 6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b
export PATH := $(CURDIR)/$(BIN):$(PATH)

# A run must not depend on who runs it: no telemetry, no parallel tokenizers, hashes in one order.
export DVC_NO_ANALYTICS := 1
export HF_HUB_DISABLE_TELEMETRY := 1
export TOKENIZERS_PARALLELISM := false
export PYTHONHASHSEED := 0

.DEFAULT_GOAL := help
.PHONY: help install repro verify test lint types unit test-long test-crash test-experiments test-sharing test-browser test-latex bench-annotate bench-batch-size check-data lock clean test-simulation bench-evaluation bench-finetune test-nodes test-gpu bench-waiting hooks

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

install: $(VENV)/installed  ## make .venv and install requirements.lock, every file by its hash

repro: install  ## run the pipeline: all that changed since the last run, and what a kill left undone
	python -m stages.tools.repair
	dvc --wait-for-lock repro

verify: install  ## run it all again in a temporary clone, and say which outs are the same bytes
	python -m stages.tools.verify

test: $(VENV)/installed-dev lint types unit  ## lint, types and tests, a whole run of a tiny model included

lint: $(VENV)/installed-dev
	ruff check
	ruff format --check

types: $(VENV)/installed-dev
	mypy

unit: $(VENV)/installed-dev
	pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

test-long: $(VENV)/installed-dev  ## every ZeRO stage, and adapters, on three architectures against plain AdamW
	pytest -m long --numprocesses 2

test-crash: $(VENV)/installed-dev  ## kill long work at random points, many times
	pytest -m crash --capture no

test-experiments: $(VENV)/installed-dev  ## a table of models and seeds, a queue, a temporary copy, on a tiny model
	pytest -m experiments --numprocesses 0 tests/experiments

test-sharing: $(VENV)/installed-dev $(SHARING)/installed  ## push to a folder and to an S3 server, pull in another clone, run nothing
	pytest -m sharing --numprocesses 0 tests/sharing

test-simulation: $(VENV)/installed-dev  ## how often intervals cover and tests reject, over 2,000 draws
	SIMULATION_DRAWS=2000 pytest tests/statistics

test-browser: $(VENV)/installed-dev  ## the report in Chromium, which Debian's package must bring
	pip install --quiet -r tests/browser/requirements.txt
	pytest tests/browser/page_in_chromium.py tests/browser/items_in_chromium.py

test-latex: $(VENV)/installed-dev  ## the tables in LaTeX: Debian's texlive-latex-base and texlive-latex-recommended
	pytest tests/latex/tables_compile.py

bench-annotate: $(VENV)/installed-dev  ## the annotator's request rate against a bare client
	python -m tests.bench.annotate

bench-batch-size: $(VENV)/installed-dev  ## how often answers differ with the number of questions side by side
	dvc repro base_model@smollm2-135m questions@gsm8k questions@mmlu
	python -m tests.bench.batch_size

bench-evaluation: $(BENCH_EVALUATION)/installed  ## answering against lm-evaluation-harness, with an environment of its own
	$(BENCH_EVALUATION)/bin/python -m tests.bench.evaluation

bench-finetune: install $(BENCH_FINETUNE)/installed  ## the speed of fine-tuning against TRL's, in an environment of its own (HUB_MIRROR for real data)
	dvc repro base_model@smollm2-135m
	$(BENCH_FINETUNE)/bin/python -m tests.bench.finetune

bench-waiting: $(VENV)/installed-dev  ## threads that sleep while they wait against threads that spin
	dvc repro base_model@smollm2-135m
	python -m tests.bench.waiting

test-nodes: $(VENV)/installed-dev  ## two network namespaces, or two addresses of this machine, as two nodes
	pytest -m nodes tests/training/test_nodes.py

test-gpu: $(VENV)/installed-dev  ## training and answering on a CUDA device; without one it says so and fails
	pytest tests/gpu/on_a_gpu.py

hooks: $(VENV)/installed-dev  ## install the pre-commit hooks
	pre-commit install

check-data: $(VENV)/installed-dev  ## check the bundled data and role prompts; with HUB_MIRROR set, also against the real sets
	pytest tests/data
	$(if $(HUB_MIRROR),pytest tests/data/against_the_real_sets.py)

lock: $(VENV)/installed-dev  ## write requirements*.lock anew: versions and hashes of all that requirements*.txt ask for
	mkdir -p $(LOCKS)
	cat requirements.lock requirements-cuda.lock requirements-dev.lock > $(LOCKS)/all
	$(COMPILE) requirements-dev.txt --output-file $(LOCKS)/all
	$(COMPILE) requirements.txt --constraint $(LOCKS)/all --output-file $(LOCKS)/run
	$(COMPILE) requirements-build.txt --output-file requirements-build.lock
	awk '/^[^ ]/ { cuda = /^(nvidia-|cuda-|triton=)/ } cuda' $(LOCKS)/run > requirements-cuda.lock
	awk '/^[^ ]/ { cuda = /^(nvidia-|cuda-|triton=)/ } !cuda; /^torch=/ { print "    --hash=sha256:$(TORCH_CPU) \\" }' \
		$(LOCKS)/run > requirements.lock
	awk 'NR == FNR { run[$$1]; next } /^[^ ]/ { kept = !($$1 in run) } kept' $(LOCKS)/run $(LOCKS)/all > requirements-dev.lock

clean:  ## remove .venv and caches of tools; keeps data and DVC's cache
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

# pip prefers the CPU build of torch where it finds one, else the CUDA build comes, which lacks its libraries until then.
$(VENV)/installed: requirements-build.lock requirements.lock requirements-cuda.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip $(LOCKED) -r requirements-build.lock
	$(BIN)/pip $(LOCKED) -r requirements.lock
	$(BIN)/pip check > /dev/null || $(BIN)/pip $(LOCKED) -r requirements-cuda.lock
	$(BIN)/pip check
	touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.lock
	$(BIN)/pip $(LOCKED) -r requirements-dev.lock
	$(BIN)/pip check
	touch $@

# What is measured or tested against has dependencies of its own. Versions are shared with the lock, hashes cannot be:
# pip would then ask for a hash of everything.
$(LOCKS)/versions: requirements.lock requirements-dev.lock
	mkdir -p $(LOCKS)
	sed -nE 's/^([^ ]+==[^ ]+).*/\1/p' $^ > $@

$(BENCH_FINETUNE)/installed: requirements.txt $(LOCKS)/versions tests/bench/requirements-finetune.txt
	$(PYTHON) -m venv $(BENCH_FINETUNE)
	$(BENCH_FINETUNE)/bin/pip install --quiet -r tests/bench/requirements-finetune.txt -c $(LOCKS)/versions
	touch $@

$(BENCH_EVALUATION)/installed: requirements.txt $(LOCKS)/versions tests/bench/requirements-evaluation.txt
	$(PYTHON) -m venv $(BENCH_EVALUATION)
	$(BENCH_EVALUATION)/bin/pip install --quiet --upgrade pip
	$(BENCH_EVALUATION)/bin/pip install --quiet -r requirements.txt -r tests/bench/requirements-evaluation.txt -c $(LOCKS)/versions
	touch $@

$(SHARING)/installed: $(LOCKS)/versions tests/sharing/requirements.txt
	$(PYTHON) -m venv $(SHARING)
	$(SHARING)/bin/pip install --quiet --upgrade pip
	$(SHARING)/bin/pip install --quiet -r tests/sharing/requirements.txt -c $(LOCKS)/versions
	touch $@
