# Two commands do everything: `make demo` and `make test`. They need Python 3.11 to 3.13 (with venv and pip), git and make.
SHELL  := /bin/sh
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --no-input -q

.PHONY: demo test bench lint lock clean install install-dev browser

demo: install ## run the demo company until Ctrl-C
	@exec $(BIN)/python manage.py demo --with-parent

test: install-dev browser ## the whole test suite
	@$(BIN)/python -m pytest -n 2 $(ARGS)

bench: install-dev ## the figures in docs/benchmarks.md
	@$(BIN)/python -m tests.benchmarks $(ARGS)

lint: install-dev ## style, types, templates, missing migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	DEBUG=1 VAR_DIR=var/test DATABASE_URL=postgres:///unused $(BIN)/mypy
	@templates=$$(git ls-files '*.html'); if [ -n "$$templates" ]; then echo djade; $(BIN)/djade --check $$templates; fi
	DEBUG=1 VAR_DIR=var/test $(BIN)/python manage.py makemigrations --check --dry-run

# Without an index address, so that the lock says what is installed and not where it comes from.
lock: $(BIN)/python ## write the hash-locked requirements anew
	@$(PIP) install uv
	@compile="$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11 -q pyproject.toml"; \
	$$compile --extra dev --upgrade -o requirements/dev.txt && \
	grep -E '^[a-z0-9-]+==' requirements/dev.txt | sed 's/ *\\$$//' > $(VENV)/pins.txt && \
	$$compile -c $(VENV)/pins.txt --upgrade -o requirements/base.txt

clean: ## remove what was installed and every piece of data; refuses while a demo runs on it
	@for var in var var/test; do if [ -d $$var/postgres ] && $(BIN)/python -c 'import django' 2>/dev/null; then \
	  DATABASE_URL= VAR_DIR=$$var $(BIN)/python manage.py database stop >/dev/null || exit 1; fi; \
	  if [ -s $$var/postgres/place ]; then rm -rf "$$(cat $$var/postgres/place)"; fi; done
	@rm -rf $(VENV) var .pytest_cache .mypy_cache .ruff_cache .hypothesis

# A lock is installed when a copy of it lies in the environment; nothing is asked of the network otherwise.
install: $(BIN)/python
	@cmp -s requirements/base.txt $(VENV)/base.lock || { \
	  echo "Installing what requirements/base.txt names (once) …" && \
	  $(PIP) install --require-hashes -r requirements/base.txt && cp requirements/base.txt $(VENV)/base.lock; }

install-dev: $(BIN)/python
	@cmp -s requirements/dev.txt $(VENV)/dev.lock || { \
	  echo "Installing what requirements/dev.txt names (once) …" && \
	  $(PIP) install --require-hashes -r requirements/dev.txt && \
	  cp requirements/dev.txt $(VENV)/dev.lock && cp requirements/base.txt $(VENV)/base.lock; }

browser:
	@$(BIN)/python -m tests.browser

# Made anew when its Python has gone or was cut short.
.PHONY: $(BIN)/python
$(BIN)/python:
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
	  command -v $(PYTHON) >/dev/null || { echo "Tributary: there is no $(PYTHON) here. Install Python 3.11 to 3.13, or: make PYTHON=/path/to/python"; exit 1; }; \
	  $(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
	    echo "Tributary: $(PYTHON) is $$($(PYTHON) -V 2>&1), and Python 3.11 to 3.13 is needed. Choose one: make PYTHON=python3.12"; exit 1; }; \
	  $(PYTHON) -m venv --clear $(VENV) || { echo "Tributary: $(PYTHON) can't make a virtual environment here (on Debian: apt-get install python3-venv)."; exit 1; }; }
