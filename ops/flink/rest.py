"""What Flink says of a job, through its REST interface."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from typing import Any

from jobs.runtime.names import READ_RECORDS
from jobs.topics import INPUTS
from ops.flink.stack_trace import root_cause

ANSWER_WITHIN_S = 5.0


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
