# make demo and make test each work alone on a fresh machine with Python 3.11, make, apt and pip.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export HF_HUB_OFFLINE = 1
export TOKENIZERS_PARALLELISM = false

.PHONY: help demo test test-long fuzz check lint types bench bench-ingest bench-peers system-packages install clean

help:  ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort

install: $(STAMP)  ## Make .venv with everything

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Driftline needs Python 3.11 or newer, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[server,dev]'
	@touch $(STAMP)

# Real peers that some tests run against. Where they cannot be installed those tests skip and say so;
# CI sets DRIFTLINE_REQUIRE_SYSTEM_PACKAGES=1, which turns such a skip into a failure.
system-packages:  ## Alertmanager, Prometheus and Chromium from Debian, for tests
	@sh deploy/install-test-packages.sh

demo: install  ## A week of traffic, its drift found, an alert delivered; stays up until Ctrl-C
	$(BIN)/driftline demo $(DEMO_FLAGS)

# A file's tests stay together, with what they share. One process: make test PYTEST_FLAGS=
PYTEST_FLAGS ?= --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test: install system-packages  ## Every test
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

test-long: install  ## The tests that take minutes at full length: an outage of 60 s, 100 kills
	DRIFTLINE_LONG_TESTS=1 $(BIN)/python -m pytest tests/collector/test_outage.py tests/collector/test_crash_exporters.py

fuzz: install  ## A million inputs to the collector's decoders, about five minutes
	$(BIN)/python -m tests.collector.fuzz --inputs 1000000 --seed $${SEED:-1}

check: lint types  ## Format, lint and types

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: install
	$(BIN)/mypy

bench: install  ## Every benchmark; one JSON object a line
	@for bench in benchmarks/bench_*.py; do $(BIN)/python -m benchmarks.$$(basename $$bench .py) || exit 1; done

bench-ingest: install  ## Spans/s until queryable, beside a Python-rows collector and the peers that are there
	$(BIN)/python -m benchmarks.bench_ingest

bench-peers:  ## Phoenix, MLflow, Evidently, Alibi Detect, frouros and menelaus, to measure beside, each in an environment of its own under .peers
	@PYTHON=$(PYTHON) sh benchmarks/peers.sh

clean:  ## Remove what was built and the local data
	rm -rf $(VENV) dist build .driftline .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
