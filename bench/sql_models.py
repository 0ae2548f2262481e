"""`python -m bench.sql_models`: how fast SQL reads decisions, beside the full decision job on the same input.

One broker, one season of traffic. The decision job decides it to its end; then the audits, one by one, and all models
as one job read what it has written. A rate is all decisions over the seconds from the query's text to its last row:
planning and starting are in it, Java's start is not.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.ground import DECISIONS, Ground
from bench.summary import Summary, as_json, summarise
from jobs.config import SqlConfig
from ops.errors import Refusal
from ops.flink.mini_cluster import mini_cluster
from ops.generate.send import generate
from ops.kafka.broker import LocalKafka
from ops.own_command import own_command
from ops.ports import free_port
from ops.program.documents import FOLDER
from ops.program.publish import publish
from ops.sql.audit import offending_rows
from ops.sql.session import create_environment, flink_processes
from ops.topics.catalogue import read_catalogue
from ops.topics.plan import apply
from sql.project import read_project
from sql.results import create_results
from sql.sources import create_sources

SEED = 5


def measure(events: int = 50_000) -> dict[str, Summary]:
    """Events/s of the decision job; decisions/s of each audit, and of all models together. Raises Refusal."""
    with tempfile.TemporaryDirectory(prefix="loyalty-bench-") as folder, LocalKafka(Path(folder) / "kafka") as kafka:
        apply(kafka.bootstrap, read_catalogue())
        publish(FOLDER, kafka.bootstrap)
        generate(kafka.bootstrap, events, seed=SEED)
        _decide(kafka.bootstrap, Path(folder) / "state")
        written = Ground(kafka.bootstrap, events).written(DECISIONS)
        figures = {"full_decision_job_events_per_s": summarise([events / written.seconds])}
        # The models first, for one of the audits looks at what a model has written.
        with flink_processes():
            seconds = {"all_models": _run_models(kafka.bootstrap, Path(folder)), **_audit(kafka.bootstrap)}
    for name, took in seconds.items():
        print(f"{name}: {took:.1f} s for {written.records:,} decisions", file=sys.stderr, flush=True)
    return figures | {f"{name}_decisions_per_s": summarise([written.records / took]) for name, took in seconds.items()}


def _decide(bootstrap: str, state: Path) -> None:
    words = ["run", "decisions", "--bootstrap", bootstrap, "--state", str(state), "--until-end"]
    done = subprocess.run(own_command(words), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refusal(f"The decision job ended with code {done.returncode}: {done.stderr.strip()}")


def _run_models(bootstrap: str, folder: Path) -> float:
    from pyflink.table import StreamTableEnvironment

    from jobs import sql_models
    from jobs.runtime.environment import create_environment as environment_of_a_job
    from jobs.runtime.names import SQL_JOB

    config = SqlConfig(bootstrap=bootstrap, checkpoint_dir=(folder / "checkpoints").as_uri())
    options = {**sql_models.options(config), **mini_cluster(f"127.0.0.1:{free_port()}")}
    tables = StreamTableEnvironment.create(environment_of_a_job(SQL_JOB, config, options))
    began = time.monotonic()
    added: Any = sql_models.add_models(tables, bootstrap, until_end=True)
    added.execute().wait()
    return time.monotonic() - began


def _audit(bootstrap: str) -> dict[str, float]:
    project = read_project()
    _, tables = create_environment()
    create_sources(tables, bootstrap, until_end=True)
    create_results(tables, project, bootstrap, until_end=True)
    seconds = {}
    for name, file in project.audits.items():
        began = time.monotonic()
        _, rows = offending_rows(tables, project, file)
        seconds[name] = time.monotonic() - began
        if rows:
            raise Refusal(f"{name} has found {len(rows)} rows, the first of them {rows[0]}.")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.sql_models", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=50_000)
    print(as_json(measure(parser.parse_args().events)))


if __name__ == "__main__":
    main()
