"""Flink on this machine: the settings of its processes, and what its REST interface says of a job."""

import json
import os
import re
import shutil
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from jobs.runtime.names import READ_RECORDS
from jobs.topics import INPUTS
from ops.java.runtime import java_home

ANSWER_WITHIN_S = 5.0

JVM_OF_SHORT_LIFE = "-XX:TieredStopAtLevel=1"
"""What runs here is short, or bound by Python. Java's second compiler would first take a core for most of a minute."""
JVM_OF_A_RUN = f"-XX:+UseParallelGC {JVM_OF_SHORT_LIFE}"

# One line a message, warnings and what the job does; the rest of Flink's talk at INFO is about itself.
_LOG4J = """\
rootLogger.level = INFO
rootLogger.appenderRef.file.ref = File
appender.file.name = File
appender.file.type = FILE
appender.file.append = false
appender.file.fileName = {log}
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{{yyyy-MM-dd HH:mm:ss,SSS}} %-5p %c{{1}} - %m%n
logger.kafka.name = org.apache.flink.kafka.shaded.org.apache.kafka
logger.kafka.level = WARN
# Each checkpoint of a job with sinks gives a metric a name that it has already.
logger.metrics.name = org.apache.flink.metrics.MetricGroup
logger.metrics.level = ERROR
"""


def flink_home() -> Path:
    """Flink as the Python package brings it. Found without importing it, which takes a second."""
    from importlib.util import find_spec

    found = find_spec("pyflink")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


def settings_of_processes(
    folder: Path, log: Path, options: Mapping[str, str | int] | None = None, jvm: str = ""
) -> dict[str, str]:
    """The environment variables under which Flink's programs run here.

    Args:
        folder: for `conf/`, since the package's own is not ours to change, and `tmp/`, since Flink leaves 40 MB and
            more behind in it each time it starts; both are made anew. Whoever owns the folder removes it.
        log: the file to log to.
        options: Flink's options besides those of the package's configuration.
        jvm: Java's options, unless `JVM_ARGS` says otherwise.
    """
    conf, temporary = folder / "conf", folder / "tmp"
    for made_anew in (conf, temporary):
        shutil.rmtree(made_anew, ignore_errors=True)
        made_anew.mkdir(parents=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    packaged = yaml.safe_load((flink_home() / "conf" / "config.yaml").read_text(encoding="utf-8"))
    (conf / "config.yaml").write_text(yaml.safe_dump({**_flat(packaged), **(options or {})}), encoding="utf-8")
    for program in ("log4j-cli", "log4j", "log4j-console"):
        (conf / f"{program}.properties").write_text(_LOG4J.format(log=log), encoding="utf-8")
    python = str(Path(sys.executable).parent)
    return {
        "JAVA_HOME": str(java_home()),
        "JVM_ARGS": f"{os.environ.get('JVM_ARGS', jvm)} -Djava.io.tmpdir={temporary}".strip(),
        "TMPDIR": str(temporary),
        "FLINK_CONF_DIR": str(conf),
        "FLINK_LOG_DIR": str(log.parent),
        "FLINK_PID_DIR": str(log.parent),
        # Thread mode finds its packages by the first `python` of the path; our own commands are beside it.
        "PATH": os.pathsep.join([python, os.environ.get("PATH", os.defpath)]),
    }


def _flat(settings: Mapping[str, Any], under: str = "") -> dict[str, Any]:
    """Nested settings by their full names, so that one can be replaced without the rest of its group."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{under}{name}.")
        else:
            flat[under + name] = value
    return flat


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class FlinkUnreachable(Exception):
    """Flink's REST interface does not answer."""


class FlinkRest:
    """What Flink at `host:port` says of its jobs."""

    def __init__(self, address: str) -> None:
        self.address = address

    def get(self, path: str) -> Any:
        """The answer to a GET. Raises FlinkUnreachable."""
        return self._ask(urllib.request.Request(f"http://{self.address}{path}"))

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """The answer to a POST. Raises FlinkUnreachable."""
        data = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        return self._ask(urllib.request.Request(f"http://{self.address}{path}", data, headers))

    def _ask(self, request: urllib.request.Request) -> Any:
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_WITHIN_S) as answer:
                return json.load(answer)
        except (urllib.error.URLError, OSError, ValueError) as problem:
            raise FlinkUnreachable(f"Flink at {self.address} does not answer: {problem}") from problem


class JobView:
    """One job as its REST interface shows it. Every question raises FlinkUnreachable when nobody answers."""

    def __init__(self, rest: FlinkRest, job_id: str, inputs: Sequence[str] = INPUTS) -> None:
        """`inputs` are the topics that the job reads."""
        self._rest = rest
        self._inputs = inputs
        self._path = f"/jobs/{job_id}"
        self._vertices: dict[str, str] = {}

    def status(self) -> str:
        state: str = self._rest.get(self._path)["state"]
        return state

    def runs(self) -> bool:
        """Whether every task of it runs."""
        job = self._rest.get(self._path)
        return job["state"] == "RUNNING" and all(vertex["status"] == "RUNNING" for vertex in job["vertices"])

    def latest_failure(self) -> str | None:
        """The first lines of the latest failure, None if there was none."""
        entries = self._rest.get(f"{self._path}/exceptions?maxExceptions=1")["exceptionHistory"]["entries"]
        return None if not entries else root_cause(entries[0]["stacktrace"])

    def latest_checkpoint_ms(self) -> int:
        """When the latest checkpoint that has completed was triggered, in ms since 1970; 0 before the first."""
        latest = self._rest.get(f"{self._path}/checkpoints")["latest"]["completed"]
        return 0 if latest is None else int(latest["trigger_timestamp"])

    def trigger_checkpoint(self) -> None:
        self._rest.post(f"{self._path}/checkpoints", {"checkpointType": "CONFIGURED"})

    def metric(self, operator: str, name: str) -> list[int]:
        """A metric of an operator, one number for each instance that has reported it."""
        vertex = self._vertex(operator)
        if vertex is None:
            return []
        details = self._rest.get(f"{self._path}/vertices/{vertex}")
        wanted = [f"{subtask}.{operator}.{name}" for subtask in range(details["parallelism"])]
        return self._numbers(f"{self._path}/vertices/{vertex}/metrics?get=" + ",".join(wanted).replace(" ", "_"))

    def positions(self) -> dict[str, dict[int, int]]:
        """By topic and partition: the last record that the source has sent on in this run."""
        vertex = self._vertex(READ_RECORDS)
        if vertex is None:
            return {}
        path = f"{self._path}/vertices/{vertex}/metrics"
        names: dict[str, tuple[str, int]] = {}
        for known in self._rest.get(path):
            found = re.search(r"\.topic\.(.+)\.partition\.(\d+)\.currentOffset$", known["id"])
            topic = found and next((topic for topic in self._inputs if topic.replace(".", "_") == found[1]), None)
            if found and topic:
                names[known["id"]] = (topic, int(found[2]))
        positions: dict[str, dict[int, int]] = {}
        for some in _batches(list(names)):
            for known in self._rest.get(f"{path}?get={','.join(some)}"):
                topic, partition = names[known["id"]]
                positions.setdefault(topic, {})[partition] = int(known["value"])
        return positions

    def _numbers(self, path: str) -> list[int]:
        return [int(float(found["value"])) for found in self._rest.get(path)]

    def _vertex(self, operator: str) -> str | None:
        if operator not in self._vertices:
            for vertex in self._rest.get(self._path)["vertices"]:
                if operator in vertex["name"]:
                    self._vertices[operator] = vertex["id"]
        return self._vertices.get(operator)


def _batches(names: list[str]) -> Iterator[list[str]]:
    """A request line may have 4096 characters."""
    for start in range(0, len(names), 20):
        yield names[start : start + 20]


def root_cause(stack_trace: str) -> str:
    """What went wrong, from a Java stack trace: its last cause without the places it passed."""
    lines = stack_trace.splitlines()
    causes = [number for number, line in enumerate(lines) if line.startswith("Caused by: ")]
    kept = lines[causes[-1] :] if causes else lines
    said = [line for line in kept if not line.lstrip().startswith(("at ", "..."))][:6]
    return "\n".join(said).removeprefix("Caused by: ").strip()
