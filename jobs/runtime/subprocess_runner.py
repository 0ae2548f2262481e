"""A Python operator in a subprocess, where it shares its interpreter lock with no other.

All Python of one JVM takes turns with one lock. A batch that goes through a pipe to a process beside the JVM does not
need it, and the thread that waits for the answer does not hold it.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable
from enum import IntEnum
from multiprocessing.connection import Connection
from typing import Any

import cloudpickle

from jobs.runtime.batch_runner import Answer, BatchRunner, JavaOperator

ENDS_WITHIN_S = 10.0
"""A process whose pipe is closed: what it may still be at is one batch."""


class Said(IntEnum):
    """What the process says: it answers a call, has failed at it, or asks the JVM for something meanwhile."""

    ANSWER = 0
    FAILURE = 1
    QUESTION = 2


class SubprocessRunner:
    """Stands in the JVM for a `BatchRunner` that works in a subprocess. Travels to the worker pickled."""

    def __init__(self, runner: BatchRunner) -> None:
        self._pickled = cloudpickle.dumps(runner)

    def open(self, operator: JavaOperator) -> list[str]:
        """Starts the process. Raises RuntimeError, as all calls do, when it ends or the function fails."""
        self._asked: dict[str, Callable[..., Any]] = {
            "entry": operator.entry,
            # What Java answers is no list, and only a list can be sent on.
            "broadcastState": lambda: list(operator.broadcastState()),
            "putBroadcast": operator.putBroadcast,
        }
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", f"from {__name__} import serve; serve({theirs.fileno()})"],
                # Flink has put the job's packages where this interpreter finds them, and nowhere else.
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._pipe: Connection = Connection(ours.detach())
        try:
            wanted: list[str] = self._call("open", self._pickled)
        except BaseException:
            self.close()
            raise
        return wanted

    def take(self, *given: Any) -> Answer:
        """As `BatchRunner.take`."""
        answer: Answer = self._call("take", *given)
        return answer

    def wake(self, *given: Any) -> Answer:
        """As `BatchRunner.wake`."""
        answer: Answer = self._call("wake", *given)
        return answer

    def broadcast(self, *given: Any) -> Answer:
        """As `BatchRunner.broadcast`."""
        answer: Answer = self._call("broadcast", *given)
        return answer

    def close(self) -> None:
        """Ends the process."""
        self._pipe.close()
        try:
            self._process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _call(self, method: str, *given: Any) -> Any:
        try:
            self._pipe.send((method, given))
            while True:
                said, content = self._pipe.recv()
                if said == Said.ANSWER:
                    return content
                if said == Said.FAILURE:
                    raise RuntimeError(content)
                name, arguments = content
                self._pipe.send(self._asked[name](*arguments))
        except (EOFError, OSError) as problem:
            code = self._process.wait()
            raise RuntimeError(
                f"The Python process of an operator ended by itself, with exit code {code}."
            ) from problem


class _OperatorBeyond:
    """The JVM's operator, for a runner that is not in the JVM."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def entry(self, element: int, name: str) -> bytes | None:
        entry: bytes | None = self._ask("entry", element, name)
        return entry

    def broadcastState(self) -> Iterable[str]:
        entries: list[str] = self._ask("broadcastState")
        return entries

    def putBroadcast(self, key: str, value: str) -> None:
        self._ask("putBroadcast", key, value)

    def _ask(self, name: str, *arguments: Any) -> Any:
        self._pipe.send((Said.QUESTION, (name, arguments)))
        return self._pipe.recv()


def serve(descriptor: int) -> None:
    """The process: runs what the other end of the pipe calls, until that is closed or its process has ended."""
    # What is meant for a whole group of processes is for the JVM to act on, which ends this one last.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    pipe: Connection = Connection(descriptor)
    runner = None
    try:
        while True:
            method, given = pipe.recv()
            try:
                if method == "open":
                    runner = cloudpickle.loads(*given)
                    given = (_OperatorBeyond(pipe),)
                said, content = Said.ANSWER, getattr(runner, method)(*given)
            except Exception:  # noqa: BLE001 the job fails with it
                said, content = Said.FAILURE, traceback.format_exc()
            pipe.send((said, content))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass
