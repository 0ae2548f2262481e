"""A Kafka broker on this machine: one process in KRaft mode, with everything it keeps in one folder.

The folder holds `server.properties` (written anew at every start), `data/`, `broker.log` and `broker.json`, which says
what runs. The broker listens on the loopback address only.
"""

import base64
import contextlib
import fcntl
import json
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import psutil

from ops.errors import Exit, Refusal
from ops.java.artifacts import kafka_classpath
from ops.java.class_archives import BROKER, shared_classes
from ops.java.runtime import java
from ops.kafka.server_properties import server_properties
from ops.ports import HOST, free_port, is_free, is_listening

DEFAULT_DIR = Path(".loyalty/kafka")
STARTS_WITHIN_S = 60.0
STOPS_WITHIN_S = 20.0


@dataclass(frozen=True)
class Broker:
    """A broker that runs: its process and its address."""

    pid: int
    bootstrap: str

    @property
    def port(self) -> int:
        return int(self.bootstrap.rpartition(":")[2])


class LocalKafka:
    """A broker for the length of a `with` block, for tests and the demo; `bootstrap` is its address.

    Raises:
        Refusal: a broker runs in this folder already, or it did not come up.
    """

    def __init__(self, directory: Path, port: int | None = None) -> None:
        self.directory = directory
        self.port = port
        self.bootstrap = ""

    def __enter__(self) -> "LocalKafka":
        if found := running(self.directory):
            raise Refusal(f"A broker runs in {self.directory} already, at {found.bootstrap}.")
        self.bootstrap = start(self.directory, self.port).bootstrap
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        stop(self.directory)


def start(directory: Path, port: int | None = None) -> Broker:
    """Starts the broker of `directory` and waits until it serves; gives the one that runs there already, if one does.

    Args:
        directory: the broker's folder; made if need be. Data that is in it is served again.
        port: where to listen; by default the port of the last time, or a free one.

    Raises:
        Refusal: the port is taken, or the broker did not come up (with the end of its log).
    """
    directory = directory.absolute()
    with _one_at_a_time(directory):
        if found := running(directory):
            return found
        classpath = class_path()
        if port is not None and not is_free(port):
            raise Refusal(f"Port {port} is in use; name another with --port, or none for a free one.")
        listen = port or _port_of_last_time(directory) or free_port()
        text = server_properties(listen, free_port(besides=listen), after_crash=_has_crashed(directory))
        _replace(directory / "server.properties", text)
        if not _is_prepared(directory):
            _format(directory, classpath)
        return _launch(directory, classpath, f"{HOST}:{listen}")


def stop(directory: Path) -> Broker | None:
    """Stops the broker of `directory` and gives what ran there, None if nothing did."""
    directory = directory.absolute()
    if not directory.exists():
        return None
    with _one_at_a_time(directory):
        found = running(directory)
        if found is not None:
            _end(found.pid)
        return found


def running(directory: Path) -> Broker | None:
    """The broker that runs in `directory`, None if none does."""
    directory = directory.absolute()
    try:
        noted = json.loads((directory / "broker.json").read_text(encoding="utf-8"))
        broker = Broker(pid=noted["pid"], bootstrap=noted["bootstrap"])
        process = psutil.Process(broker.pid)
        # The id may have gone to another process since: only one that was started for this folder is ours.
        ours = _mark(directory) in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, ValueError, KeyError, psutil.Error):
        return None
    return broker if ours else None


def class_path() -> str:
    """Java's class path of the broker. Raises Refusal."""
    return os.pathsep.join(str(jar) for jar in kafka_classpath())


_children: dict[int, subprocess.Popen[bytes]] = {}
"""The brokers of this process by process id: whoever starts one has to wait for its end, else a zombie is left."""


def _launch(directory: Path, classpath: str, bootstrap: str) -> Broker:
    for pid in [pid for pid, child in _children.items() if child.poll() is not None]:
        del _children[pid]  # one that others have killed
    with (directory / "broker.log").open("wb") as log:
        process = subprocess.Popen(
            [
                java(),
                *shared_classes(BROKER),
                "-Xmx512m",
                "-Djava.awt.headless=true",
                "-Dorg.slf4j.simpleLogger.showDateTime=true",
                "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
                _mark(directory),
                "-cp",
                classpath,
                "kafka.Kafka",
                "server.properties",
            ],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Its own session: an interrupt at the terminal reaches who started it, who then stops it in order.
            start_new_session=True,
        )
    _children[process.pid] = process
    try:
        _wait_until_it_serves(process, bootstrap)
    except BaseException as problem:
        _end(process.pid)
        if isinstance(problem, TimeoutError):
            raise Refusal(
                f"Kafka did not come up in {directory}: {problem}\n{_end_of_log(directory)}", Exit.FAILED
            ) from None
        raise
    broker = Broker(process.pid, bootstrap)
    _replace(directory / "broker.json", json.dumps({"pid": broker.pid, "bootstrap": broker.bootstrap}) + "\n")
    return broker


def _wait_until_it_serves(process: "subprocess.Popen[bytes]", bootstrap: str) -> None:
    """Returns when the broker answers and every partition it has kept has its leader; else raises TimeoutError."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    from jobs.runtime.kafka_clients import admin_client

    deadline = time.monotonic() + STARTS_WITHIN_S
    port = int(bootstrap.rpartition(":")[2])
    admin: AdminClient | None = None
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise TimeoutError(f"its process ended with code {process.returncode}; its log ends:")
        if admin is None and is_listening(port):
            admin = admin_client(bootstrap)
        if admin is not None:
            with contextlib.suppress(KafkaException):
                known = admin.list_topics(timeout=1.0)
                partitions = [p for topic in known.topics.values() for p in topic.partitions.values()]
                if known.brokers and all(partition.leader in known.brokers for partition in partitions):
                    return
        time.sleep(0.02)
    raise TimeoutError(f"it does not answer after {STARTS_WITHIN_S:.0f} s; its log ends:")


def _end(pid: int) -> None:
    """Ends one process: asks first, insists after a while."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOPS_WITHIN_S)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(STOPS_WITHIN_S)
    if child := _children.pop(pid, None):
        child.wait()


def _format(directory: Path, classpath: str) -> None:
    """Prepares an empty data folder, as Kafka asks for: gives the cluster its id."""
    cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    # One word with its option: an id may begin with a minus sign.
    tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", "--config", "server.properties"]
    quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"
    done = subprocess.run(
        [java(), *shared_classes(BROKER), "-Xmx128m", "-XX:TieredStopAtLevel=1", quiet, "-cp", classpath, *tool],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Refusal(f"Kafka could not prepare {directory / 'data'}: {(done.stderr or done.stdout).strip()}")


def _is_prepared(directory: Path) -> bool:
    """Whether `_format` has been here."""
    return (directory / "data" / "meta.properties").exists()


def _has_crashed(directory: Path) -> bool:
    """Whether a broker that ran here has not left the mark that Kafka leaves when it is stopped in order."""
    return _is_prepared(directory) and not (directory / "data" / ".kafka_cleanshutdown").exists()


def _port_of_last_time(directory: Path) -> int | None:
    with contextlib.suppress(OSError, ValueError, KeyError):
        noted = json.loads((directory / "broker.json").read_text(encoding="utf-8"))
        port = int(noted["bootstrap"].rpartition(":")[2])
        if is_free(port):
            return port
    return None


def _mark(directory: Path) -> str:
    """A JVM option that does nothing but say whose broker this is."""
    return f"-Dloyalty.kafka.dir={directory}"


def _end_of_log(directory: Path, lines: int = 15) -> str:
    log = (directory / "broker.log").read_text(encoding="utf-8", errors="replace")
    return "\n".join(log.splitlines()[-lines:])


def _replace(path: Path, text: str) -> None:
    fresh = path.with_suffix(path.suffix + ".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


@contextlib.contextmanager
def _one_at_a_time(directory: Path) -> Iterator[None]:
    """Lets one start or stop work on a folder at a time, also across processes."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = (directory / "lock").open("wb")
    except OSError as problem:
        raise Refusal(f"The broker's folder {directory} cannot be used: {problem.strerror}.") from problem
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
