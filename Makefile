# make demo   a living plant in the browser        make test    every test
# make check  style, types, floor plan, settings   make bench   how fast, beside a yardstick
# make mutants  breaks the promise on purpose, and a test says so
# make fault  shoots at it while it works          make load    many hands at one thing
PYTHON ?= python3
BIN := .venv/bin
export NUMBA_CACHE_DIR ?= $(CURDIR)/.data/numba
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo demo-reset test check fmt bench mutants fault load lock

help:
	@grep -E '^# make' Makefile; echo '# also: setup, demo-reset, fmt, lock'

# A stamp carries the hash of what was installed: a second start installs nothing.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Downstream needs Python 3.11 or newer: PYTHON=/path/to/python3.11 make ..."; exit 1; }
	@echo "Making .venv"
	@$(PYTHON) -m venv --clear .venv || { rm -f .venv/bin/python; echo "No .venv could be made. If Python's venv is missing: apt-get install python3-venv"; exit 1; }

define install
	@sum=$$(cat $(1) | cksum); if [ "$$sum" != "$$(cat .venv/$(2) 2>/dev/null)" ]; then \
	  echo "Installing $(1)"; $(PIP) $(addprefix -r ,$(1)) && echo "$$sum" > .venv/$(2); fi
endef

setup: .venv/bin/python
	$(call install,requirements.txt,installed)

setup-dev: setup
	$(call install,requirements-dev.txt,installed-dev)

demo: setup
	@exec $(BIN)/python manage.py up

demo-reset: setup
	@$(BIN)/python manage.py up --reset

test: setup-dev
	@$(BIN)/python -m tests.browser
	@$(BIN)/python manage.py warm_kernels
	$(BIN)/python -m pytest $(ARGS)

check: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	git ls-files -z -- '*.html' | xargs -0r $(BIN)/djade --target-version 5.2 --check
	MES_MODE=PRODUCTION ALLOWED_HOSTS=plant.example SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(60))') $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python manage.py makemigrations --check --dry-run

fmt: setup-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	git ls-files -z -- '*.html' | xargs -0r $(BIN)/djade --target-version 5.2

bench: setup-dev
	@$(BIN)/python -m tests.browser
	@$(BIN)/python manage.py warm_kernels
	$(BIN)/python -m tests.bench $(ARGS)

# One set of pins for every Python from 3.11 on; markers where they must differ.
LOCK := $(BIN)/uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command 'make lock'
lock: setup-dev
	$(LOCK) requirements.in -o requirements.txt
	$(LOCK) requirements-dev.in -c requirements.txt -o requirements-dev.txt

mutants: setup-dev
	@$(BIN)/python manage.py warm_kernels
	$(BIN)/python -m tests.mutants

fault: setup-dev
	@$(BIN)/python manage.py warm_kernels
	$(BIN)/python -m tests.fault $(ARGS)

load: setup-dev
	@$(BIN)/python manage.py warm_kernels
	$(BIN)/python -m tests.load
