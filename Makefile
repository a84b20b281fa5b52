# Each target first sets up what is missing, without root; once that is done, none needs a network.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

N ?= 20000
SEED ?= 1

.PHONY: run check test fuzz static lint types imports setup setup-test prompts lock clean python desk desk-check pictures

run: setup  ## start everything in the foreground; Ctrl-C stops it all
	@exec $(BIN)/sansheng run

# A process of the tests does not compile again what another process has compiled.
check test: export PYTHONDONTWRITEBYTECODE =
check test: export PYTHONPYCACHEPREFIX = $(CURDIR)/.cache/bytecode

check: setup-test static  ## what every commit must pass: unit and property tests, no server, no call, no database server
	$(BIN)/pytest -q -n 3 --dist loadfile -m "not e2e and not redis and not postgres and not thorough" \
	  --ignore tests/e2e --ignore tests/faults --ignore tests/dialplan

test: setup-test static  ## every check and every test; a test that failed is run once more, alone
	$(BIN)/python tests/rerun.py -n 4 --dist loadfile --no-loadscope-reorder --durations=10

fuzz: setup  ## N inputs of each kind (make fuzz N=1000000), and a table of the results; KINDS="--kind sip" for some
	$(BIN)/python -m tests.fuzz --count $(N) --seed $(SEED) $(KINDS)

static: python  ## lint, types and imports, and the checks of the pages, side by side
	@$(MAKE) --no-print-directory --jobs 4 --output-sync=target --keep-going lint types imports desk-check

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/mypy

imports:
	$(BIN)/lint-imports

setup: python desk
	@$(PYTHON) -m provision asterisk redis-server

setup-test: python desk
	@$(PYTHON) -m provision asterisk redis-server sip-tester postgresql chromium fonts-noto-cjk

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed: install it, or name it: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -m provision.environment $(VENV)

desk: python  ## build the desk's pages, if anything of them changed
	@$(PYTHON) -m provision.desk

desk-check: python  ## lint, types, unit tests and sizes of the pages, if they or the API changed
	@$(PYTHON) -m provision.desk check

prompts: python  ## render the spoken prompts whose text changed, and the music
	$(BIN)/python -m voice
	$(BIN)/python -m voice.music

pictures: setup-test  ## take the README's pictures anew from the running product; ALL=--all for every page, into build/screens
	$(BIN)/python -m tests.pictures $(ALL)

lock: python  ## write today's versions of the Python packages to constraints.txt
	$(PYTHON) -m provision.environment --lock $(VENV)

clean:  ## forget what was set up; recordings and records stay
	rm -rf $(VENV) .cache server/web/pages desk/node_modules desk/.vite .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
