# Two commands are enough for a newcomer: `make demo` and `make test`. Both install what is missing.
# The build itself is CMake's (CMakePresets.json); the work of the other targets is in scripts/.

ifeq ($(origin CC),default)
  CC := gcc
endif
ifeq ($(origin CXX),default)
  CXX := g++
endif
export CC CXX

PRESET ?= release
PREFIX ?= /usr/local
JOBS   ?= $(shell nproc)
export JOBS

# Waiting OpenMP threads sleep, so that tests which run side by side do not fight for the cores.
TEST = OMP_WAIT_POLICY=passive ctest --preset

.DEFAULT_GOAL := help
.PHONY: help setup build test demo format format-check lint floors asan fuzz bench install clean

help:          ## print this list
	@sed -n 's/^\([a-z-]*\): *.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | sort | awk -F'\t' '{printf "  make %-14s %s\n", $$1, $$2}'

setup:         ## install from Debian what building, testing and linting need
	@scripts/setup all

build:         ## build the library, the program, the examples and the tests (build/release)
	@scripts/setup build test
	@scripts/build $(PRESET)

test: build    ## build, then run every test
	@$(TEST) $(PRESET) --parallel $(JOBS)

demo:          ## train on a book for two minutes, write a page, show where the model looked
	@scripts/demo

format:        ## rewrite the C++ files in the project's format
	@scripts/setup lint
	@scripts/format

format-check:  ## fail if a C++ file is not in the project's format
	@scripts/setup lint
	@scripts/format --check

lint: build    ## clang-tidy over the whole project (scripts/lint --changed: only what differs from main)
	@scripts/setup lint
	@scripts/lint --build build/$(PRESET)

floors:        ## check that no file includes a higher floor, file sizes, public headers, test registration
	@scripts/check_floors

asan:          ## every test under AddressSanitizer, UndefinedBehaviorSanitizer and LeakSanitizer
	@scripts/setup build test lint
	@scripts/build asan
	@. scripts/sanitizer_options && $(TEST) asan --parallel $(JOBS)

fuzz:          ## run every fuzzer for FUZZ_SECONDS (default 60)
	@scripts/setup build lint
	@scripts/fuzz

bench:         ## speed of every part, as a fraction of this machine's measured limit
	@scripts/setup build
	@scripts/build release attend_program
	@build/release/attend bench

install: build ## install library, headers, CMake package and program below PREFIX (default /usr/local)
	@cmake --install build/$(PRESET) --prefix $(PREFIX)

clean:         ## remove what was built
	@rm -rf build
