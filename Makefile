# Each target first sets up what is missing, without root; once that is done, none needs a network.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test setup setup-test prompts lock clean python

run: setup  ## start everything in the foreground; Ctrl-C stops it all
	@exec $(BIN)/sansheng run

test: setup-test  ## every check and every test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 --dist loadfile

setup: python
	@$(PYTHON) -m server.provision asterisk redis-server

setup-test: python
	@$(PYTHON) -m server.provision asterisk redis-server sip-tester postgresql

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed: install it, or name it: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -m server.provision.environment $(VENV)

prompts: python  ## render the spoken prompts whose text changed, and the music
	$(BIN)/python -m server.voice
	$(BIN)/python -m server.music

lock: python  ## write today's versions of the Python packages to constraints.txt
	$(PYTHON) -m server.provision.environment --lock $(VENV)

clean:  ## forget what was set up; recordings and records stay
	rm -rf $(VENV) .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
