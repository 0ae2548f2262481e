"""Runs the cases of fixtures on a real Flink, in streaming mode.

A model is planned once, over the source tables of `sql/sources/`: the same columns, computed by the same expressions,
and the same watermark. Only where the records come from differs: from a socket of this process instead of Kafka. The
planned job then runs once for each case. Records go in one by one, each when the tasks before have had their time, so
that those of several tables arrive in order, too.
"""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from py4j.protocol import Py4JError

from ops.errors import Refusal
from ops.flink.stack_trace import root_cause
from ops.sql.fixtures import Arrival, Case, Row, arrivals
from ops.sql.session import Cluster, catalog_table, create_environment, java, java_array
from ops.topics.catalogue import read_catalogue
from sql.names import tables_of
from sql.project import RESULTS, Project, SqlFile
from sql.results import create_results, create_views
from sql.sources import create_sources

NOWHERE = "none:1"
"""Kafka is not asked."""
PAUSE_S = 0.005
CASE_WITHIN_S = 60.0


@dataclass
class Outcome:
    """What a case gave: all changes in order, and the rows that remain."""

    case: Case
    columns: list[str]
    changes: list[tuple[str, Row]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    failure: str | None = None

    @property
    def passed(self) -> bool:
        return (
            self.failure is None
            and (self.case.expect is None or _sorted(self.case.expect) == _sorted(self.rows))
            and (self.case.changelog is None or self.case.changelog == self.changes)
        )


def _sorted(rows: list[Row]) -> list[str]:
    return sorted(map(row_text, rows))


def row_text(row: Row) -> str:
    """A row as text by which it can be compared, whatever it holds."""
    return json.dumps(row, sort_keys=True)


class JobEnded(Exception):
    """A job that was to run has failed."""


class CaseRunner:
    """One JVM, one cluster in it, and the project's tables over records that are handed in."""

    def __init__(self, project: Project, folder: Path) -> None:
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
            }
        )
        self._records = _Listener()
        self._found = _Listener()
        self._event_times: dict[str, str] = {}
        self._keys = {topic.name.removeprefix("loyalty.").replace("-", "_"): topic.key for topic in read_catalogue()}
        lines = self._j_environment.socketTextStream("127.0.0.1", self._records.port, "\n", 0)
        self._lines = self.tables._j_tenv.fromDataStream(lines)
        self._made: set[str] = set()
        self._sinks: dict[str, Any] = {}

    def __enter__(self) -> CaseRunner:
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
            j_tables.createTemporaryView(name, self._as_source(name, table))
        results = [name.removeprefix(f"{RESULTS}.") for name in missing if name.startswith(f"{RESULTS}.")]
        known = [*results, *([file.name] if file.path.parent.name == "models" else [])]
        for name in create_results(
            self.tables, self._project, NOWHERE, only=[n for n in known if n not in self._sinks]
        ):
            table = catalog_table(self.tables, RESULTS, name)
            self._sinks[name] = table.getTable().getUnresolvedSchema()
            j_tables.dropTemporaryTable(f"{RESULTS}.{name}")
            j_tables.createTemporaryView(f"{RESULTS}.{name}", self._as_result(f"{RESULTS}.{name}", table))
        self._made.update(missing)
        self._forget_job()

    def _as_source(self, name: str, table: Any) -> Any:
        """The table of a source's file, over the records that are handed in."""
        api = java().org.apache.flink.table.api
        j_tables = self.tables._j_tenv
        written = table.getTable().getUnresolvedSchema()
        columns = [written.getColumns().get(at) for at in range(written.getColumns().size())]
        watermark = written.getWatermarkSpecs().get(0)
        event_time = watermark.getColumnName()
        self._event_times[name] = event_time
        # What Kafka gives: the record, and what it says of it.
        given = [column for column in columns if "Computed" not in column.getClass().getSimpleName()]
        physical = self._lines.filter(_text("table").isEqual(name)).select(
            _expressions([_of_record(column) for column in given])
        )
        computed = api.Schema.newBuilder()
        for column in columns:
            if column in given:
                computed.column(column.getName(), column.getDataType())
            else:
                computed.columnByExpression(column.getName(), column.getExpression())
            if column.getName() == event_time:
                # Flink's Kafka source lets a row without a time pass; what takes its place here does not.
                never = api.Expressions.toTimestampLtz(api.Expressions.lit(0), api.Expressions.lit(3))
                of_the_file = column.getExpression()
                computed.columnByExpression(
                    _TIME, api.Expressions.coalesce(java_array(java().Object, [of_the_file, never]))
                )
        computed.watermark(_TIME, watermark.getWatermarkExpression())
        timed = j_tables.fromDataStream(j_tables.toDataStream(physical), computed.build())
        kept = timed.dropColumns(_expressions([api.Expressions.col(_TIME)]))
        final = api.Schema.newBuilder()
        resolved = table.getResolvedSchema()
        for at in range(resolved.getColumnCount()):
            column = resolved.getColumn(at).get()
            final.column(column.getName(), column.getDataType())
        final.watermark(event_time, "SOURCE_WATERMARK()")
        return j_tables.fromDataStream(j_tables.toDataStream(kept), final.build())

    def _as_result(self, name: str, table: Any) -> Any:
        """What a model has written, as rows that are handed in."""
        resolved = table.getResolvedSchema()
        columns = [resolved.getColumn(at).get() for at in range(resolved.getColumnCount())]
        return self._lines.filter(_text("table").isEqual(name)).select(
            _expressions([_of_written_row(column) for column in columns])
        )

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
                raise JobEnded
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


_TIME = "time_of_the_watermark"


def _text(name: str) -> Any:
    """A field of the line that carries a record, as text."""
    api = java().org.apache.flink.table.api
    return api.Expressions.col("f0").jsonValue(f"$.{name}", api.DataTypes.STRING())


def _of_record(column: Any) -> Any:
    """What Kafka says of a record, from the line that carries it."""
    api = java().org.apache.flink.table.api
    name = column.getName()
    if name == "record_time":
        since_1970 = _text("time").cast(api.DataTypes.BIGINT())
        return _named(api.Expressions.toTimestampLtz(since_1970, api.Expressions.lit(3)), name)
    return _named(_text(name.removeprefix("record_")).cast(column.getDataType()), name)


def _of_written_row(column: Any) -> Any:
    """A column of a result, from a row that is handed in as JSON."""
    api = java().org.apache.flink.table.api
    name, kind = column.getName(), column.getDataType()
    if kind.getChildren().size() > 0:
        # No audit looks at one, and Flink makes none from text.
        return _named(api.Expressions.nullOf(kind), name)
    return _named(_text("value").jsonValue(f"$.{name}", api.DataTypes.STRING()).cast(kind), name)


def _named(expression: Any, name: str) -> Any:
    return getattr(expression, "as")(name, java_array(java().String, []))


def _expressions(items: list[Any]) -> Any:
    return java_array(java().org.apache.flink.table.expressions.Expression, items)


def fields_of(schema: Any) -> list[tuple[str, Any]]:
    """The columns of a resolved schema, with their DataTypes."""
    columns = [schema.getColumn(at).get() for at in range(schema.getColumnCount())]
    return [(column.getName(), column.getDataType()) for column in columns]


def plain(value: Any, kind: Any) -> Any:
    """A value of Flink's as a fixture writes it. `kind` is its DataType."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(bytes(value)).decode()
    root = kind.getLogicalType().getTypeRoot().toString()
    children = kind.getChildren()
    if root == "TIMESTAMP_WITH_LOCAL_TIME_ZONE":
        return _three_decimals(value.toString().removesuffix("Z")) + "Z"
    if root == "TIMESTAMP_WITHOUT_TIME_ZONE":
        return _three_decimals(value.toString())
    if root == "ARRAY":
        return [plain(each, children.get(0)) for each in value]
    if root == "MAP":
        return {str(plain(key, children.get(0))): plain(value[key], children.get(1)) for key in value}
    if root == "ROW":
        names = kind.getLogicalType().getFieldNames()
        return {name: plain(value.getField(at), children.get(at)) for at, name in enumerate(names)}
    if isinstance(value, float):
        return value
    return value.toString() if hasattr(value, "_target_id") else str(value)


def _three_decimals(text: str) -> str:
    """Java leaves out seconds and fractions that are zero."""
    whole, _, fraction = text.partition(".")
    if whole.count(":") == 1:
        whole += ":00"
    return f"{whole}.{(fraction + '000')[: max(3, len(fraction))]}"


def remaining(changes: list[tuple[str, Row]], key: list[str] | None) -> list[Row]:
    """The rows that changes leave: by a key, or, where rows are told apart whole, all of them."""
    if key is not None:
        latest: dict[str, Row] = {}
        for operation, row in changes:
            of = json.dumps([row[name] for name in key])
            latest.pop(of, None)
            if operation in ("+I", "+U"):
                latest[of] = row
        return list(latest.values())
    counted: dict[str, list[Row]] = {}
    for operation, row in changes:
        if operation in ("+I", "+U"):
            counted.setdefault(row_text(row), []).append(row)
        else:
            counted[row_text(row)].pop()
    return [row for same in counted.values() for row in same]


class _Listener:
    """A port of this machine to which a job's source or sink connects."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(CASE_WITHIN_S)
        self._reading = threading.Event()
        self.port: int = self._server.getsockname()[1]

    def accept(self) -> socket.socket:
        """The next connection. Raises TimeoutError."""
        connection, _ = self._server.accept()
        return connection

    def collect(self) -> Any:
        """Reads the next connection to its end, aside; what is given back waits for all of it."""
        kept = bytearray()

        def read() -> None:
            try:
                with self.accept() as connection:
                    self._reading.clear()
                    while some := connection.recv(1 << 16):
                        kept.extend(some)
            except OSError:
                pass  # The job did not get as far as to connect; its failure is told by the cluster.

        self._reading.set()
        reader = threading.Thread(target=read, daemon=True)
        reader.start()

        def wait() -> bytes:
            reader.join(CASE_WITHIN_S)
            return bytes(kept)

        return wait

    def settle(self) -> None:
        """After a job has ended: what it has left half done must not be taken for the next one's."""
        if self._reading.is_set():
            socket.create_connection(("127.0.0.1", self.port)).close()
            while self._reading.is_set():
                time.sleep(0.001)
        self._server.settimeout(0)
        try:
            while True:
                self.accept().close()
        except BlockingIOError:
            self._server.settimeout(CASE_WITHIN_S)

    def close(self) -> None:
        self._server.close()
