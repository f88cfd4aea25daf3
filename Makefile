# Every target sets up what it needs; a fresh clone starts with `make demo` or `make test`.
PYTHON ?= python3
TORCH ?= torch==2.13.0
CUDA ?= AUTO
RUN ?= out/demo/phantom_run.dcm
MODEL ?= models/angiogram_quality

BIN := .venv/bin
SOURCES := pyproject.toml CMakeLists.txt $(wildcard cmake/*) $(shell find csrc -type f)
CPP := $(shell find csrc -name '*.h' -o -name '*.cpp' -o -name '*.cu')

.PHONY: demo test lint format bench results setup cuda-check gpu-check emulated clean

demo: .venv/device  ## run the shipped model over a phantom run, or RUN=path.dcm
	@test -e "$(RUN)" || $(BIN)/python samples/phantom_run.py "$(RUN)"
	$(BIN)/angioedge run $(MODEL) "$(RUN)" --out out/demo

test: .venv/workstation emulated  ## all tests
	$(BIN)/python -m pytest

lint: .venv/workstation  ## style, types and floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/clang-format --dry-run --Werror $(CPP)

format: .venv/workstation
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(CPP)

bench: .venv/bench  ## kernels and session against their peers, in one run
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks --json benchmarks/results/cpu.json --markdown docs/benchmarks.md

results: .venv/workstation  ## the tables of all trainings, from their scores in docs/results
	$(BIN)/angioedge train results

setup: .venv/workstation  ## everything the workstation needs

cuda-check: .venv/workstation  ## compile the CUDA kernels for Orin, Hopper and Thor
	$(BIN)/cmake -S . -B build/cuda -G Ninja -DANGIO_CUDA=ON -DCMAKE_MAKE_PROGRAM=$(CURDIR)/$(BIN)/ninja \
	  -DSKBUILD_PROJECT_VERSION=0 -DPython_EXECUTABLE=$(CURDIR)/$(BIN)/python \
	  -Dpybind11_DIR="$$($(BIN)/python -m pybind11 --cmakedir)"
	$(BIN)/cmake --build build/cuda --target angio_cuda

gpu-check:  ## on a CUDA machine: build, test, sanitise and measure the kernels (docs/gpu.md)
	@$(PYTHON) -m benchmarks.gpu_check

emulated: .venv/workstation  ## the CUDA kernels as host code, for tests/csrc/test_emulation.py
	$(BIN)/cmake -S . -B build/emulated -G Ninja -DANGIO_CUDA=EMULATE -DCMAKE_BUILD_TYPE=Debug \
	  -DCMAKE_CXX_FLAGS_DEBUG=-O0 -DCMAKE_MAKE_PROGRAM=$(CURDIR)/$(BIN)/ninja \
	  -DSKBUILD_PROJECT_VERSION=0 -DPython_EXECUTABLE=$(CURDIR)/$(BIN)/python \
	  -Dpybind11_DIR="$$($(BIN)/python -m pybind11 --cmakedir)"
	$(BIN)/cmake --build build/emulated

.venv/created:
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	@touch $@

.venv/device: .venv/created $(SOURCES)
	$(BIN)/pip install --quiet --editable '.[pictures]' -C cmake.define.ANGIO_CUDA=$(CUDA)
	@touch $@

.venv/workstation: .venv/device
	$(BIN)/pip install --quiet $(TORCH)
	$(BIN)/pip install --quiet 'angioedge[workstation,dev]'
	@touch $@

.venv/bench: .venv/workstation
	$(BIN)/pip install --quiet 'angioedge[bench]'
	@touch $@

clean:
	rm -rf .venv build out
