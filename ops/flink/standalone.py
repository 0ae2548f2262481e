"""A standalone Flink cluster on this machine, from the Python package's own scripts: for tests and trials."""

import contextlib
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from ops.errors import Refusal
from ops.flink.processes import JVM_OF_SHORT_LIFE, flink_home, settings_of_processes
from ops.flink.rest import FlinkRest, FlinkUnreachable
from ops.ports import free_port

STARTS_WITHIN_S = 90.0
STOPS_WITHIN_S = 20.0


class StandaloneCluster:
    """A job manager and a task manager for the length of a `with` block; `address` is where jobs are submitted to.

    Everything is kept in `directory`; `slots` is how many the task manager has. Raises Refusal when the cluster does
    not come up.
    """

    def __init__(self, directory: Path, slots: int = 4) -> None:
        self._directory = directory.absolute()
        self._slots = slots
        self._processes: list[subprocess.Popen[bytes]] = []
        self.address = ""

    def __enter__(self) -> Self:
        self.address = f"127.0.0.1:{free_port()}"
        variables = {**os.environ, **self._settings()}
        for program in ("jobmanager", "taskmanager"):
            self._processes.append(self._start(program, variables))
        try:
            self._wait_for_slots()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop()

    def _settings(self) -> dict[str, str]:
        library = self._directory / "lib"
        library.mkdir(parents=True, exist_ok=True)
        # flink-python has to be on the class path of the cluster: thread-mode operators are in it.
        for jar in (*(flink_home() / "lib").glob("*.jar"), *(flink_home() / "opt").glob("flink-python-*.jar")):
            with contextlib.suppress(FileExistsError):
                (library / jar.name).symlink_to(jar)
        host, _, port = self.address.partition(":")
        options: dict[str, str | int] = {
            "jobmanager.rpc.address": host,
            "jobmanager.rpc.port": free_port(),
            "rest.address": host,
            "rest.bind-address": host,
            "rest.port": int(port),
            "rest.bind-port": int(port),
            "taskmanager.host": host,
            "taskmanager.numberOfTaskSlots": self._slots,
            "execution.checkpointing.dir": (self._directory / "checkpoints").as_uri(),
            "execution.checkpointing.savepoint-dir": (self._directory / "savepoints").as_uri(),
            # Tests read its answers while a job is young.
            "web.refresh-interval": "100 ms",
            "metrics.fetcher.update-interval": "100 ms",
        }
        log = self._directory / "log" / "flink.log"
        variables = settings_of_processes(self._directory, log, options, jvm=JVM_OF_SHORT_LIFE)
        return {**variables, "FLINK_LIB_DIR": str(library)}

    def _start(self, program: str, variables: dict[str, str]) -> "subprocess.Popen[bytes]":
        command: Sequence[str] = (str(flink_home() / "bin" / f"{program}.sh"), "start-foreground")
        with (self._directory / f"{program}.out").open("ab") as out:
            return subprocess.Popen(
                command,
                cwd=self._directory,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def _wait_for_slots(self) -> None:
        rest = FlinkRest(self.address)
        deadline = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < deadline:
            for process in self._processes:
                if process.poll() is not None:
                    raise Refusal(f"Flink did not come up in {self._directory}; its output is in the .out files there.")
            with contextlib.suppress(FlinkUnreachable):
                if rest.get("/overview")["slots-total"] >= self._slots:
                    return
            time.sleep(0.2)
        raise Refusal(f"Flink did not come up in {self._directory} within {STARTS_WITHIN_S:.0f} s.")

    def _stop(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(STOPS_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()
