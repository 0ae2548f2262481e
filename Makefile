# Every target sets up first. The stamp makes the second time instant; it runs again when what it read has changed.
SHELL := /bin/bash
.DEFAULT_GOAL := help
ready := .venv/.ready

.PHONY: help setup demo check test oracle bench bench-quick lint format mutations sql-mutations reference docs lock

help:
	@echo "make setup      install everything into .venv (Python 3.11 or 3.12; no Java, Maven or Docker needed)"
	@echo "make demo       the whole loop on this machine: Kafka, the programme, the job, a story, 20 000 events"
	@echo
	@echo "make check      lint, types, rules, wire, oracle; no JVM; under a minute: before every commit"
	@echo "make test       all tests, with real Kafka brokers and Flink clusters (twenty minutes)"
	@echo "make oracle     the long comparison: 8 000 histories, 100 000 events through Kafka"
	@echo "make mutations  change the rules, one operator at a time, and see a test fail"
	@echo "make sql-mutations   the same for the SQL models"
	@echo "make lint       ruff and mypy --strict"
	@echo "make format     let ruff rewrite what it can"
	@echo
	@echo "make reference  write the pages of docs/reference that are made from the code"
	@echo "make docs       the documentation as a site, in build/site; a link that leads nowhere fails"
	@echo "make bench      measure everything beside its peers (25 to 30 minutes; bench-quick: 3)"
	@echo "make lock       resolve the locked packages again (needs the network)"

setup: $(ready)
	@echo "Ready: .venv/bin/loyalty --help"

$(ready): requirements.lock pyproject.toml ops/setup/setup.sh ops/setup/make_class_archives.py ops/java/artifacts.yaml ops/flink/gateway.py
	@bash ops/setup/setup.sh
	@.venv/bin/python -m ops.setup.make_class_archives
	@touch $@

demo: $(ready)
	@.venv/bin/loyalty demo

# A fortieth of the generated histories that `make test` tries, and none of the tests marked as long.
check: lint
	@LOYALTY_HISTORIES=50 LOYALTY_ENGAGEMENTS=5000 .venv/bin/python -m pytest -q -n 2 -m "not long" \
		tests/domain tests/wire tests/oracle tests/agreement tests/docs tests/test_rooms.py

# Two processes, each with a broker of its own: much of the time one of them waits for a JVM to start. A file's tests
# stay together, and the files in their order, whose long ones are not the last.
test: $(ready)
	@.venv/bin/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

oracle: $(ready)
	@LOYALTY_HISTORIES=8000 LOYALTY_ENGAGEMENTS=1000000 .venv/bin/python -m pytest -q -n 2 tests/oracle tests/agreement
	@LOYALTY_EVENTS=100000 .venv/bin/python -m pytest -q -s tests/kafka/test_agreement_with_oracle.py

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

# These two take minutes, so they are no part of the tests. Each writes its table into docs/reference.
mutations: $(ready)
	@.venv/bin/python -m tests.domain.mutations

sql-mutations: $(ready)
	@.venv/bin/python -m tests.sql.mutations

reference: $(ready)
	@.venv/bin/python -m ops.reference

# In an environment of its own: whoever runs or tests the loop does without it.
site := .venv/site
docs: $(site)/.ready
	@$(site)/bin/zensical build --clean --strict
	@echo "Open build/site/index.html"

$(site)/.ready: ops/setup/site.lock | $(ready)
	@.venv/bin/python -m venv $(site)
	@$(site)/bin/pip install --quiet --require-hashes -r ops/setup/site.lock
	@touch $@

# uv makes the locks, since pip cannot resolve for all Pythons and platforms at once; nothing else needs it.
lock := .venv/uv/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
	--custom-compile-command "make lock"
lock: $(ready)
	@.venv/bin/python -m venv .venv/uv && .venv/uv/bin/pip install --quiet uv
	@$(lock) --all-extras --output-file requirements.lock pyproject.toml
	@$(lock) --group docs --output-file ops/setup/site.lock
