# Every target sets up first. The stamp makes the second time instant; it runs again when what it read has changed.
SHELL := /bin/bash
.DEFAULT_GOAL := help
ready := .venv/.ready

.PHONY: help setup demo test lint format lock bench bench-quick sql-mutations reference

help:
	@echo "make setup   install everything into .venv (Python 3.11 or 3.12; no Java, Maven or Docker needed)"
	@echo "make demo    the whole loop on this machine: Kafka, the programme, the job, a story, 20 000 events"
	@echo "make test    all tests, with real Kafka brokers and Flink clusters (twenty minutes)"
	@echo "make bench   measure everything beside its peers, into docs/explanation/performance.md (25 to 30 minutes; bench-quick: 3)"
	@echo "make lint    ruff and mypy --strict"
	@echo "make format  let ruff rewrite what it can"
	@echo "make sql-mutations   change every comparison, window and join of the SQL models and see a case fail"
	@echo "make reference   write the pages of docs/reference that are made from the code"
	@echo "make lock    resolve requirements.lock again (needs the network)"

setup: $(ready)
	@echo "Ready: .venv/bin/loyalty --help"

$(ready): requirements.lock pyproject.toml ops/setup/setup.sh ops/setup/make_class_archives.py ops/java/artifacts.yaml ops/flink/gateway.py
	@bash ops/setup/setup.sh
	@.venv/bin/python -m ops.setup.make_class_archives
	@touch $@

demo: $(ready)
	@.venv/bin/loyalty demo

# Two processes, each with a broker of its own: much of the time one of them waits for a JVM to start. A file's tests
# stay together, and the files in their order, whose long ones are not the last.
test: $(ready)
	@.venv/bin/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

bench: $(ready)
	@.venv/bin/python -m bench --write

bench-quick: $(ready)
	@.venv/bin/python -m bench --quick

lint: $(ready)
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

format: $(ready)
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

# Takes minutes, so it is no part of the tests.
sql-mutations: $(ready)
	@.venv/bin/python -m tests.sql.mutations

reference: $(ready)
	@.venv/bin/python -m ops.reference

# uv makes the lock, since pip cannot resolve for all Pythons and platforms at once; nothing else needs it.
lock: $(ready)
	@.venv/bin/python -m venv .venv/uv && .venv/uv/bin/pip install --quiet uv
	@.venv/uv/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
		--all-extras --custom-compile-command "make lock" --output-file requirements.lock pyproject.toml
