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
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from enum import IntEnum
from multiprocessing.connection import Connection
from typing import Any

import cloudpickle

from jobs.runtime.batch_runner import Answer, BatchRunner, JavaOperator

ENDS_WITHIN_S = 10.0
"""A process whose pipe is closed: what it may still be at is one batch."""
BEATS_EVERY_S = 1.0
BEATS_WITHIN_S = 15.0
"""While it is at a call the process says so each second. One that is silent for so long has been stopped, or something
holds its interpreter; on a machine that is overloaded a beat may come late."""
ANSWERS_WITHIN_S = 180.0
"""A batch takes a fraction of a second. The longest call is the first one, which may ask Kafka for a minute, twice."""


class Said(IntEnum):
    """What the process says: it answers a call, has failed at it, asks the JVM for something meanwhile, or is at it."""

    ANSWER = 0
    FAILURE = 1
    QUESTION = 2
    BEAT = 3


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
                # -P: what happens to lie in the working directory is not ours to run.
                [sys.executable, "-P", "-c", f"from {__name__} import serve; serve({theirs.fileno()})"],
                # Flink has put the job's packages where this interpreter finds them, and nowhere else.
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(os.path.isabs, sys.path))},
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
            deadline = time.monotonic() + ANSWERS_WITHIN_S
            while True:
                self._wait(deadline)
                said, content = self._pipe.recv()
                if said == Said.BEAT:
                    continue
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

    def _wait(self, deadline: float) -> None:
        """Until the process says something. Raises RuntimeError, and ends the process, where it does not in time."""
        left = deadline - time.monotonic()
        if left > 0 and self._pipe.poll(min(BEATS_WITHIN_S, left)):
            return
        self._process.kill()
        self._process.wait()
        within_s = BEATS_WITHIN_S if left > BEATS_WITHIN_S else ANSWERS_WITHIN_S
        raise RuntimeError(f"The Python process of an operator did not answer within {within_s:.0f} s, and was ended.")


class _Pipe:
    """The process's end of the pipe, into which two threads speak: one that works, one that says that it does."""

    def __init__(self, descriptor: int) -> None:
        self._pipe: Connection = Connection(descriptor)
        self._lock = threading.Lock()
        self._at_a_call = False

    def next_call(self) -> tuple[str, tuple[Any, ...]]:
        """Raises EOFError where there is none any more."""
        method, given = self._pipe.recv()
        self._at_a_call = True
        return method, given

    def ask(self, name: str, arguments: tuple[Any, ...]) -> Any:
        with self._lock:
            self._pipe.send((Said.QUESTION, (name, arguments)))
        return self._pipe.recv()

    def answer(self, said: Said, content: Any) -> None:
        with self._lock:
            self._at_a_call = False
            self._pipe.send((said, content))

    def beat(self) -> None:
        """For as long as the process lives."""
        with suppress(OSError):
            while True:
                time.sleep(BEATS_EVERY_S)
                with self._lock:
                    if self._at_a_call:
                        self._pipe.send((Said.BEAT, None))


class _OperatorBeyond:
    """The JVM's operator, for a runner that is not in the JVM."""

    def __init__(self, pipe: _Pipe) -> None:
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
        return self._pipe.ask(name, arguments)


def serve(descriptor: int) -> None:
    """The process: runs what the other end of the pipe calls, until that is closed or its process has ended."""
    # What is meant for a whole group of processes is for the JVM to act on, which ends this one last.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    pipe = _Pipe(descriptor)
    threading.Thread(target=pipe.beat, daemon=True).start()
    runner = None
    try:
        while True:
            method, given = pipe.next_call()
            try:
                if method == "open":
                    runner = cloudpickle.loads(*given)
                    given = (_OperatorBeyond(pipe),)
                said, content = Said.ANSWER, getattr(runner, method)(*given)
            except Exception:  # noqa: BLE001 the job fails with it
                said, content = Said.FAILURE, traceback.format_exc()
            pipe.answer(said, content)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass
