"""`python -m bench.parallel`: events/s of the decision job with two instances that decide against one.

All Python of one JVM shares one interpreter lock, so a standalone cluster is used, with a task manager for each
instance, and Linux is told where each process may run. One instance has one core for all of it: its task manager, the
job manager and the broker. Two have two cores: a task manager on each, the job manager and the broker on both. So the
ratio says what a second core with a second instance on it brings.
"""

from __future__ import annotations

import argparse
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

import psutil

from bench.ground import DEAD_LETTERS, DECISIONS, FOLDER, Ground, purchases
from bench.summary import Summary, as_json, summarise
from bench.ways import STARTS_WITHIN_S
from bench.window import Window, watch
from jobs import decisions
from ops.cluster import StandaloneCluster
from ops.errors import Refusal
from ops.flink import FlinkRest, FlinkUnreachable, JobView
from ops.submit import Submission, submit

OF_TASKS = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
OF_JOBS = "StandaloneSessionClusterEntrypoint"
WINDOW = Window(warm_up_s=8.0, seconds=10.0)
"""Where all of it has one core, it warms up for longer."""


def measure(rounds: int, events: int = 1_000_000, accounts: int = 20_000) -> dict[str, Summary]:
    """Events/s with one and with two instances in turn, and the ratio of each round. Raises Refusal."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    with purchases(events, accounts) as place:
        for number in range(rounds):
            for instances, found in rates.items():
                found.append(_rate(place, instances))
                print(f"round {number + 1}: {instances} instances: {found[-1]:,.0f} events/s", flush=True)
    return {
        "parallelism_1_events_per_s": summarise(rates[1]),
        "parallelism_2_events_per_s": summarise(rates[2]),
        "parallelism_ratio": summarise(two / one for one, two in zip(rates[1], rates[2], strict=True)),
    }


def _rate(place: Ground, instances: int) -> float:
    place.fresh(DECISIONS, DEAD_LETTERS)
    folder = FOLDER / "cluster"
    shutil.rmtree(folder, ignore_errors=True)
    with StandaloneCluster(folder, slots=1, task_managers=instances) as cluster:
        family = psutil.Process().children(recursive=True)
        workers = [member for member in family if _runs(member, OF_TASKS)]
        for core, worker in enumerate(sorted(workers, key=lambda member: member.pid)):
            pin(worker.pid, {core})
        for member in family:
            if _runs(member, OF_JOBS) or _runs(member, "kafka.Kafka"):
                pin(member.pid, set(range(instances)))
        submission = Submission(
            cluster.address,
            place.bootstrap,
            parallelism=instances,
            group=f"bench-{instances}-{time.time_ns()}",
        )
        view = JobView(FlinkRest(cluster.address), submit(submission, Path(decisions.__file__)))
        return watch(place, lambda: _goes_on(view), WINDOW, STARTS_WITHIN_S)


def _goes_on(view: JobView) -> bool:
    """A cluster starts a job that fails again and again. Raises Refusal, which says why it failed."""
    with suppress(FlinkUnreachable):
        if failure := view.latest_failure():
            raise Refusal(f"The decision job failed: {failure}")
    return True


def _runs(member: psutil.Process, program: str) -> bool:
    try:
        return any(program in word for word in member.cmdline())
    except psutil.Error:
        return False


def pin(pid: int, cores: set[int]) -> None:
    """Lets a process run on these cores only: all its threads, and what they start later."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), cores)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.parallel", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--accounts", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    print(as_json(measure(asked.rounds, asked.events, asked.accounts)))


if __name__ == "__main__":
    main()
