# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: help demo test check kernels bench format clean

help:
	@echo "make demo     install, fetch a real clip, capture it, print where the report lies"
	@echo "make test     install what tests need and run all of them"
	@echo "make check    style, types, architecture (part of make test)"
	@echo "make bench    the figures of docs/benchmarks.md, measured here"
	@echo "make format   rewrite the code in house style"

$(VENV)/.core: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

# torch first: what depends on it must not choose another build.
$(VENV)/.test: $(VENV)/.core
	$(PIP) install --quiet --no-compile --constraint constraints.txt torch
	$(PIP) install --quiet --no-compile --constraint constraints.txt --editable '.[test]'
	@touch $@

demo: $(VENV)/.core
	$(BIN)/choreoscope models fetch
	$(BIN)/choreoscope models fetch demo-clip.mp4 --to demo
	$(BIN)/choreoscope capture demo/demo-clip.mp4 --out demo/result

check: $(VENV)/.test
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/codespell

# Blender as a module links a few X libraries; as root on Debian they are put in place here.
BLENDER_LIBRARIES := libx11-6 libxrender1 libxfixes3 libxi6 libxkbcommon0 libsm6 libice6 libgl1
MARKS ?= not gpu and not licensed
# One more than there are cores, because many tests wait; each takes up to 2 GB.
TESTERS ?= $(shell $(PYTHON) -c "import os; print(min(4, 1 + (os.cpu_count() or 1)))")

# Tests that between them use every compiled kernel. The machine code is kept beside the sources:
# without this step each test worker would spend a minute on making the same.
KERNEL_TESTS := tests/motion/test_solve_bad_input.py::test_hardly_any_frames \
    tests/rendering/test_soft.py tests/synthetic/test_film.py tests/capture/test_cloud_truth.py

kernels: $(VENV)/.test
	@$(BIN)/pytest --quiet -p no:cacheprovider $(KERNEL_TESTS)

test: $(VENV)/.test
	@$(MAKE) --no-print-directory --jobs=2 --output-sync check kernels
	@if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] \
	    && ! dpkg -s $(BLENDER_LIBRARIES) >/dev/null 2>&1; then \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends $(BLENDER_LIBRARIES); fi
	$(BIN)/choreoscope models fetch
	$(BIN)/choreoscope models fetch demo-clip.mp4 --to demo
	$(BIN)/pytest -m "$(MARKS)" --durations=15 --numprocesses $(TESTERS) --dist loadfile --no-loadscope-reorder

bench: $(VENV)/.test
	$(BIN)/python -m benchmarks

format: $(VENV)/.test
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

clean:
	rm -rf $(VENV) .venv-blender demo build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
