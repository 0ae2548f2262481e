"""Every model as one job, stopped with a savepoint and started from it again while records come."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from ops.sql.cases import CaseRunner
from ops.sql.fixtures import Row, arrivals
from ops.sql.listener import Listener
from ops.sql.outcomes import remaining
from ops.sql.session import java
from sql.project import Project
from sql.settings import SETTINGS
from tests.sql.traffic import Record

MARK = b'{"table": "mark"}\n'


class Written(NamedTuple):
    """Where the changes of a model come out, and how they are read."""

    listener: Listener
    fields: list[tuple[str, Any]]
    serializer: Any
    key: list[str] | None


class ResumedModels(CaseRunner):
    """The models that are written, as one job with the settings of a run, over records that are handed in."""

    def __init__(self, project: Project, folder: Path) -> None:
        super().__init__(project, folder)
        self._folder = folder
        files = [project.models[name] for name in project.written]
        for file in files:
            self._make_tables(file)
        # Only now: what hands records in is no part of the models, and mini-batches in it would hide its watermark.
        for name, value in SETTINGS.items():
            self.tables.get_config().set(name, value)
        self._read_lines = Listener()
        self._written_models: dict[str, Written] = {}
        for file in files:
            self._found = Listener()
            key = self._plan(file)
            self._written_models[file.name] = Written(self._found, self._fields, self._serializer, key)
        as_text = java().org.apache.flink.api.common.serialization.SimpleStringSchema()
        self._lines.writeToSocket("127.0.0.1", self._read_lines.port, as_text).setParallelism(1)

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, problem, trace)
        for written in self._written_models.values():
            written.listener.close()
        self._read_lines.close()

    def rows(self, parts: Sequence[Sequence[Record]], backend: str) -> dict[str, list[Row]]:
        """What every model has written in the end, by its key, if the job is stopped after each part but the last."""
        configuration = java().org.apache.flink.configuration.Configuration()
        configuration.setString("state.backend.type", backend)
        self._j_environment.configure(configuration)
        changes: dict[str, list[tuple[str, Row]]] = {name: [] for name in self._written_models}
        savepoint: str | None = None
        for number, part in enumerate(parts):
            last = number == len(parts) - 1
            collected = {name: written.listener.collect() for name, written in self._written_models.items()}
            graph = self._j_environment.getStreamGraph(False)
            settings = java().org.apache.flink.runtime.jobgraph.SavepointRestoreSettings
            graph.setSavepointRestoreSettings(
                settings.none() if savepoint is None else settings.forPath(savepoint, False)
            )
            job = self._cluster.submit(graph)
            with self._connected(job) as connection, self._read_lines.accept() as read:
                connection.sendall(b"".join(self._as_lines(part)) + MARK)
                if _is_marked(read) and not last:
                    savepoint = self._cluster.savepoint(job, self._folder / f"{backend}-{number}")
            failure = self._cluster.wait(job)
            assert failure is None, failure
            for name, written in self._written_models.items():
                self._fields, self._serializer = written.fields, written.serializer
                changes[name] += self._read(collected[name]())
                written.listener.settle()
            self._read_lines.settle()
            self._records.settle()
        return {name: remaining(changes[name], written.key) for name, written in self._written_models.items()}

    def _as_lines(self, part: Iterable[Record]) -> list[bytes]:
        found: list[bytes] = []
        for table, row in part:
            (arrival,) = arrivals({table: [row]}, self._event_times, self._keys)
            found.append(arrival.as_line() + b"\n")
        return found


def _is_marked(read: socket.socket) -> bool:
    """Whether the source has read everything: the job passes on each line that it has read, until it fails."""
    tail = b""
    while MARK.strip() not in tail:
        some = read.recv(1 << 16)
        if not some:
            return False
        tail = tail[-len(MARK) :] + some
    return True
