"""A Flink in this process for the tools: its settings, its tables, its in-process cluster."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from ops.flink.gateway import settings_of_gateway
from sql.settings import SETTINGS

JVM = (
    "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:+IgnoreUnrecognizedVMOptions -Xshare:auto"
    " -XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote"
)
"""Short work: compiling it thoroughly, or proving each class of the planner sound, would take longer than it does."""

NOWHERE = "none:1"
"""The address of Kafka where Kafka is not asked."""
ENDS_WITHIN_S = 60.0
"""A job of a few records, from the end of its input."""


@contextmanager
def flink_processes(jvm: str = JVM) -> Iterator[Path]:
    """The folder of Flink's files while the block runs, in which Java has started."""
    with tempfile.TemporaryDirectory(prefix="loyalty-sql-") as folder, ThreadPoolExecutor(1) as aside:
        os.environ.update(settings_of_gateway(Path(folder), Path(folder) / "flink.log", jvm=jvm))
        from pyflink.java_gateway import get_gateway

        # Python has as much to read as Java.
        read = [aside.submit(import_module, name) for name in ("pyflink.table", "pyflink.datastream", "udfs")]
        get_gateway()
        for module in read:
            module.result()
        yield Path(folder)


def create_environment(settings: dict[str, str] | None = None) -> tuple[Any, Any]:
    """A StreamExecutionEnvironment and its StreamTableEnvironment, with the functions of `udfs`."""
    from pyflink.common import Configuration
    from pyflink.datastream import StreamExecutionEnvironment
    from pyflink.table import StreamTableEnvironment

    import udfs

    _keep_threads_apart()
    configuration = Configuration()
    here = {
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
        # Kafka's client logs once more after its job has ended; the check would make a stack trace of that.
        "classloader.check-leaked-classloader": "false",
    }
    for name, value in {**SETTINGS, **here, **(settings or {})}.items():
        configuration.set_string(name, value)
    environment = StreamExecutionEnvironment.get_execution_environment(configuration)
    tables = StreamTableEnvironment.create(environment)
    udfs.register(tables)
    return environment, tables


class _Connections(threading.local):
    """Python's connections to Java that are not in use, those of each Python thread for itself.

    Java answers each connection on a thread of its own, and Flink's planner can only be asked on the one that made it:
    Calcite finds nothing on another (FLINK-23020). As py4j keeps them, any thread may leave with any connection, and a
    thread that never calls Java has one as soon as it happens to be the one that collects Python's garbage.
    """

    def __init__(self) -> None:
        self._free: list[Any] = []

    def __len__(self) -> int:
        return len(self._free)

    def append(self, connection: Any) -> None:
        self._free.append(connection)

    def pop(self) -> Any:
        return self._free.pop()


def _keep_threads_apart() -> None:
    from pyflink.java_gateway import get_gateway

    client = get_gateway()._gateway_client
    if not isinstance(client.deque, _Connections):
        client.deque = _Connections()


def java() -> Any:
    """Java's classes by their names."""
    from pyflink.java_gateway import get_gateway

    return get_gateway().jvm


def java_array(of: Any, items: list[Any]) -> Any:
    from pyflink.java_gateway import get_gateway

    array = get_gateway().new_array(of, len(items))
    for at, item in enumerate(items):
        array[at] = item
    return array


def catalog_table(tables: Any, database: str, name: str) -> Any:
    """A table as Flink knows it: resolved, with the schema as it was written."""
    manager = tables._j_tenv.getCatalogManager()
    path = java().org.apache.flink.table.catalog.ObjectIdentifier.of(manager.getCurrentCatalog(), database, name)
    return manager.getTable(path).get()


class Cluster:
    """Flink's own cluster inside the JVM of this process, for one job after another."""

    def __init__(self, folder: Path) -> None:
        jvm = java()
        configuration = jvm.org.apache.flink.configuration.Configuration()
        for name, value in {
            "rest.bind-port": "0",
            "rest.address": "127.0.0.1",
            "io.tmp.dirs": str(folder / "tmp"),
            "taskmanager.memory.network.min": "128mb",
            "taskmanager.memory.network.max": "128mb",
            "taskmanager.memory.managed.size": "512mb",
        }.items():
            configuration.setString(name, value)
        builder = jvm.org.apache.flink.runtime.minicluster.MiniClusterConfiguration.Builder()
        builder = builder.setConfiguration(configuration).setNumTaskManagers(1).setNumSlotsPerTaskManager(8)
        self._cluster = jvm.org.apache.flink.runtime.minicluster.MiniCluster(builder.build())
        self._cluster.start()

    def submit(self, graph: Any) -> Any:
        """Starts a job and gives its id."""
        return self._cluster.submitJob(graph).get().getJobID()

    def states(self, job: Any) -> set[str]:
        """The states of the job's tasks."""
        vertices = self._cluster.getArchivedExecutionGraph(job).get().getAllVertices().values()
        return {vertex.getAggregateState().toString() for vertex in vertices}

    def status(self, job: Any) -> str:
        status: str = self._cluster.getJobStatus(job).get().toString()
        return status

    def wait(self, job: Any) -> str | None:
        """Until the job has ended; the stack trace if it failed. Raises TimeoutError when it does not end."""
        until = time.monotonic() + ENDS_WITHIN_S
        while self.status(job) not in ("FINISHED", "FAILED", "CANCELED"):
            if time.monotonic() > until:
                raise TimeoutError
            time.sleep(0.005)
        result = self._cluster.requestJobResult(job).get()
        failure = result.getSerializedThrowable()
        return str(failure.get().getFullStringifiedStackTrace()) if failure.isPresent() else None

    def cancel(self, job: Any) -> None:
        self._cluster.cancelJob(job).get()

    def close(self) -> None:
        self._cluster.close()

    def savepoint(self, job: Any, folder: Path) -> str:
        """Stops a job with a savepoint and gives the savepoint's place."""
        formats = java().org.apache.flink.core.execution.SavepointFormatType
        path: str = self._cluster.triggerSavepoint(job, folder.as_uri(), True, formats.CANONICAL).get()
        return path
