"""Runs the cases of fixtures on a real Flink, in streaming mode.

A model is planned once, over the source tables of `sql/sources/`: the same columns, computed by the same expressions,
and the same watermark. Only where the records come from differs: from a socket of this process instead of Kafka. The
planned job then runs once for each case. Records go in one by one, each when the tasks before have had their time, so
that those of several tables arrive in order, too.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from py4j.protocol import Py4JError

from ops.errors import Refusal
from ops.flink.stack_trace import root_cause
from ops.sql.fixtures import Arrival, Case, Row, arrivals
from ops.sql.handed_in import HandedIn, as_result, as_source
from ops.sql.listener import Listener
from ops.sql.outcomes import Outcome, remaining
from ops.sql.session import NOWHERE, Cluster, catalog_table, create_environment, java
from ops.sql.values import fields_of, plain
from ops.topics.catalogue import read_catalogue
from sql.names import tables_of
from sql.project import RESULTS, Project, SqlFile
from sql.results import create_results, create_views
from sql.sources import create_sources

PAUSE_S = 0.005
CASE_WITHIN_S = 60.0


class JobEnded(Exception):
    """A job that was to run has failed."""


class CaseRunner:
    """One JVM, one cluster in it, and the project's tables over records that are handed in."""

    def __init__(self, project: Project, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self._project = project
        self._cluster = Cluster(folder)
        self._environment, self.tables = create_environment(
            {
                # The watermark moves after each record, and nothing waits for a full buffer.
                "pipeline.auto-watermark-interval": "0 ms",
                "execution.buffer-timeout.interval": "0 ms",
                # Each record has its effect at once, so a case is the same every time.
                "table.exec.mini-batch.enabled": "false",
                "restart-strategy.type": "none",
                **(settings or {}),
            }
        )
        self._records = Listener()
        self._found = Listener()
        self._event_times: dict[str, str] = {}
        self._keys = {topic.name.removeprefix("loyalty.").replace("-", "_"): topic.key for topic in read_catalogue()}
        self._lines = self._j_environment.socketTextStream("127.0.0.1", self._records.port, "\n", 0)
        self._handed_in = HandedIn(self.tables._j_tenv, self.tables._j_tenv.fromDataStream(self._lines))
        self._made: set[str] = set()
        self._sinks: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cluster.close()
        self._records.close()
        self._found.close()

    def run(self, file: SqlFile, cases: list[Case], *, until_one_fails: bool = False) -> list[Outcome]:
        """The cases of a model or an audit. Raises Py4JJavaError or TableException when it cannot be planned."""
        outcomes: list[Outcome] = []
        try:
            key = self._plan(file)
            for case in cases:
                outcomes.append(self._run(case, key))
                if until_one_fails and not outcomes[-1].passed:
                    break
        finally:
            self._forget_job()
        return outcomes

    def goes_on(self, before: SqlFile, after: SqlFile, given: dict[str, list[Row]], folder: Path) -> bool:
        """Whether Flink lets a job go on from another's savepoint, with every state in it claimed.

        Args:
            before: the model whose job makes the savepoint.
            after: the model whose job is to go on from it.
            given: what the first has read.
            folder: where the savepoint is kept.
        """
        self._plan(before)
        self._found.collect()
        job = self._cluster.submit(self._graph())
        with self._connected(job) as connection:
            for record in arrivals(given, self._event_times, self._keys):
                connection.sendall(record.as_line() + b"\n")
            time.sleep(10 * PAUSE_S)
            savepoint = self._cluster.savepoint(job, folder)
        self._cluster.wait(job)
        self._settle()
        self._plan(after)
        graph = self._graph()
        settings = java().org.apache.flink.runtime.jobgraph.SavepointRestoreSettings
        graph.setSavepointRestoreSettings(settings.forPath(savepoint, False))
        self._found.collect()
        try:
            job = self._cluster.submit(graph)
            with self._connected(job):
                pass
            return self._cluster.wait(job) is None
        except (Py4JError, JobEnded):
            return False
        finally:
            self._settle()

    def _settle(self) -> None:
        self._records.settle()
        self._found.settle()

    def _graph(self) -> Any:
        graph = self._j_environment.getStreamGraph(False)
        self._forget_job()
        return graph

    def _forget_job(self) -> None:
        if len(self._j_environment.getTransformations()):
            self._j_environment.getStreamGraph(True)

    @property
    def _j_environment(self) -> Any:
        return self._environment._j_stream_execution_environment

    def _make_tables(self, file: SqlFile) -> None:
        """Those that the model reads and are not there yet, and how it is written."""
        j_tables = self.tables._j_tenv
        wanted = tables_of(self.tables, self._project, file)
        missing = [name for name in wanted if name not in self._made]
        for name in create_sources(self.tables, NOWHERE, only=missing):
            table = catalog_table(self.tables, "default_database", name)
            j_tables.dropTemporaryTable(name)
            source, self._event_times[name] = as_source(self._handed_in, name, table)
            j_tables.createTemporaryView(name, source)
        results = [name.removeprefix(f"{RESULTS}.") for name in missing if name.startswith(f"{RESULTS}.")]
        known = [
            name
            for name in [*results, *([file.name] if file.path.parent.name == "models" else [])]
            if name not in self._sinks and name in self._project.sinks
        ]
        for name in create_results(self.tables, self._project, NOWHERE, only=known):
            table = catalog_table(self.tables, RESULTS, name)
            self._sinks[name] = table.getTable().getUnresolvedSchema()
            j_tables.dropTemporaryTable(f"{RESULTS}.{name}")
            j_tables.createTemporaryView(f"{RESULTS}.{name}", as_result(self._handed_in, f"{RESULTS}.{name}", table))
        self._made.update(missing)
        if missing or known:
            self._forget_job()

    def _plan(self, file: SqlFile) -> list[str] | None:
        """Plans a model as the job to run; gives its key, None where rows are only added or are told apart whole."""
        self._make_tables(file)
        create_views(self.tables, self._project, file)
        table = self.tables.sql_query(file.text)._j_table
        j_tables = self.tables._j_tenv
        schema = self._sinks.get(file.name) if file.path.parent.name == "models" else None
        if schema is None:
            stream, key = j_tables.toChangelogStream(table), None
        else:
            kinds = java().org.apache.flink.types.RowKind
            mode = java().org.apache.flink.table.connector.ChangelogMode.newBuilder().addContainedKind(kinds.INSERT)
            primary = schema.getPrimaryKey()
            key = None
            if primary.isPresent():
                mode = mode.addContainedKind(kinds.UPDATE_AFTER).addContainedKind(kinds.DELETE)
                key = list(primary.get().getColumnNames())
            stream = j_tables.toChangelogStream(table, schema, mode.build())
        self._fields = fields_of(table.getResolvedSchema())
        self._serializer = stream.getType().createSerializer(self._j_environment.getConfig().getSerializerConfig())
        as_bytes = java().org.apache.flink.api.common.serialization.TypeInformationSerializationSchema(
            stream.getType(), self._serializer
        )
        stream.writeToSocket("127.0.0.1", self._found.port, as_bytes).setParallelism(1)
        return key

    def _run(self, case: Case, key: list[str] | None) -> Outcome:
        outcome = Outcome(case, [name for name, _ in self._fields])
        sources = {name: rows for name, rows in case.given.items() if not name.startswith(f"{RESULTS}.")}
        results = {name: rows for name, rows in case.given.items() if name not in sources}
        for name in case.given:
            if name not in self._made:
                raise Refusal(f"Case {case.name!r}: `given` names {name}, which is not read here.")
        coming = self._written(results) + arrivals(sources, self._event_times, self._keys)
        collected = self._found.collect()
        job = self._cluster.submit(self._j_environment.getStreamGraph(False))
        try:
            self._feed(job, coming)
            failure = self._cluster.wait(job)
        except TimeoutError:
            self._cluster.cancel(job)
            failure = f"the case has not ended within {CASE_WITHIN_S:.0f} s"
        self._settle()
        outcome.failure = None if failure is None else root_cause(failure)
        if outcome.failure is None:
            outcome.changes = self._read(collected())
            outcome.rows = remaining(outcome.changes, key)
        return outcome

    def _written(self, results: dict[str, list[Row]]) -> list[Arrival]:
        """Of a result that is upserted, the last row of each key."""
        found: list[Arrival] = []
        for name, rows in results.items():
            primary = self._sinks[name.removeprefix(f"{RESULTS}.")].getPrimaryKey()
            key = list(primary.get().getColumnNames()) if primary.isPresent() else None
            for row in remaining([("+U", row) for row in rows], key) if key else rows:
                found.append(Arrival(name, None, json.dumps(row), 0, len(found), 0))
        return found

    def _feed(self, job: Any, coming: list[Arrival]) -> None:
        try:
            with self._connected(job) as connection:
                for record in coming:
                    connection.sendall(record.as_line() + b"\n")
                    time.sleep(PAUSE_S)
        except (JobEnded, ConnectionError):
            pass  # The cluster says why.

    def _connected(self, job: Any) -> socket.socket:
        """The job's source, when every task runs. Raises JobEnded or TimeoutError."""
        until = time.monotonic() + CASE_WITHIN_S
        # Before Flink has begun with the job, it has no tasks.
        while not (states := self._cluster.states(job)) or not states <= {"RUNNING", "FINISHED"}:
            if self._cluster.status(job) in ("FAILED", "CANCELED", "FAILING"):
                raise JobEnded(self._cluster.wait(job) or "")
            if time.monotonic() > until:
                raise TimeoutError
            time.sleep(0.005)
        return self._records.accept()

    def _read(self, found: bytes) -> list[tuple[str, Row]]:
        view = java().org.apache.flink.core.memory.DataInputDeserializer(found)
        changes = []
        while view.available() > 0:
            row = self._serializer.deserialize(view)
            values = {name: plain(row.getField(at), kind) for at, (name, kind) in enumerate(self._fields)}
            changes.append((row.getKind().shortString(), values))
        return changes
