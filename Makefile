# Two commands do everything: `make run` (set-up, then the main job on real video) and `make test`.
PYTHON := $(shell for p in $(PYTHON) python3.12 python3.11 python3; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# one line when it fails; what pip had to say is in the log
OR_SAY = >>.venv/install.log 2>&1 || { echo "make: packages cannot be installed: no network, or the package index does not answer; connect and run make again (details: .venv/install.log)" >&2; exit 1; }

.PHONY: run test unit netem coverage mutate fuzz scenarios nightly gpu-test lock clean

run: .venv/.run-ready
	@$(BIN)/exo-edge fetch
	@$(BIN)/exo-edge run

test: .venv/.dev-ready
	@$(BIN)/exo-edge fetch
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/pytest

unit: .venv/.dev-ready
	@$(BIN)/pytest -m "not e2e and not assets and not shared and not uml"

netem: .venv/.dev-ready
	@EXO_EDGE_NETEM_MINUTES=10 $(BIN)/pytest -m uml tests/hil/test_netem.py

coverage: .venv/.dev-ready
	@$(BIN)/python -m tests.assurance.coverage_gate

mutate: .venv/.dev-ready
	@$(BIN)/python -m tests.assurance.mutate

fuzz: .venv/.dev-ready
	@$(BIN)/python -m tests.assurance.fuzz --frames 10000000

scenarios: .venv/.dev-ready
	@$(BIN)/exo-edge fetch
	@$(BIN)/exo-edge hil run --all --jobs 2

nightly: scenarios
	@EXO_EDGE_NIGHTLY=1 $(BIN)/pytest tests/e2e/test_faults.py
	@$(BIN)/python -m tests.hil.planted
	@$(BIN)/exo-edge hil storm --hours 24 --seed 1 --jobs 2
	@$(BIN)/exo-edge hil serial-soak --seconds 3600

gpu-test: .venv/.dev-ready
	@$(BIN)/exo-edge fetch
	@$(BIN)/python -m tests.gpu.pack .build/gpu
	@sh .build/gpu/run.sh

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or 3.12 found: sudo apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "make: $(PYTHON) has no venv: sudo apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv .venv

.venv/.run-ready: requirements.lock pyproject.toml | .venv/bin/python
	@command -v cc >/dev/null || command -v gcc >/dev/null || command -v clang >/dev/null || { echo "make: no C compiler for the firmware: sudo apt-get install gcc libc6-dev" >&2; exit 1; }
	@echo "set-up: installing locked packages into .venv (about 600 MB, once)"
	@$(PIP) install --require-hashes --no-deps -r requirements.lock $(OR_SAY)
	@$(PIP) install --no-deps --no-build-isolation --editable . $(OR_SAY)
	@touch $@

.venv/.dev-ready: requirements-dev.lock .venv/.run-ready
	@$(PIP) install --require-hashes --no-deps -r requirements-dev.lock $(OR_SAY)
	@touch $@

lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command "make lock" --override overrides.in pyproject.toml build.in -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command "make lock" --extra dev --override overrides.in pyproject.toml build.in -o requirements-dev.lock

clean:
	rm -rf .venv .build runs
