"""Flink in this process and a JVM of its own: how it starts, what it is told, and how it ends."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import psutil


def start_java() -> psutil.Process:
    """Starts the JVM in which Flink and its mini-cluster run."""
    from pyflink.java_gateway import get_gateway

    before = {child.pid for child in psutil.Process().children()}
    get_gateway()
    return next(child for child in psutil.Process().children() if child.pid not in before)


def stop_with_savepoint(client: Any, folder: str) -> str:
    """PyFlink's own method calls one that Flink 2 no longer has."""
    from pyflink.java_gateway import get_gateway

    formats = get_gateway().jvm.org.apache.flink.core.execution.SavepointFormatType
    stopped = client._j_job_client.stopWithSavepoint(False, folder, formats.CANONICAL)
    path: str = stopped.get()
    return path


def end_java(java: psutil.Process) -> None:
    """Ends that JVM, and PyFlink's connection to it."""
    from pyflink.java_gateway import get_gateway

    # Otherwise each of Java's objects that is left in this process would complain that Java is gone.
    get_gateway().shutdown()
    try:
        java.terminate()
        java.wait(10)
    except psutil.TimeoutExpired:
        java.kill()
        java.wait(10)
    except psutil.NoSuchProcess:
        pass


def mini_cluster(rest: str) -> dict[str, str]:
    """Flink's options for a job here, whose REST interface is at `rest`, HOST:PORT."""
    address, _, port = rest.partition(":")
    return {
        # Kafka's client logs once more after its job has ended; the check would make a stack trace of that.
        "classloader.check-leaked-classloader": "false",
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
        "rest.address": address,
        "rest.bind-address": address,
        "rest.port": port,
        "rest.bind-port": port,
        # The progress line and the end of a bounded run are read from metrics.
        "metrics.fetcher.update-interval": "250 ms",
        # Otherwise its answers about a job are up to 3 s old.
        "web.refresh-interval": "250 ms",
    }


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """SIGINT and SIGTERM ask to stop, once; the second one stops at once, without a savepoint."""
    stop = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            sys.exit(128 + number)
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
