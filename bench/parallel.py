"""`python -m bench.parallel`: events/s of the decision job with two instances that decide against one.

On a standalone cluster with one task manager, for throughput, and Linux is told where each process may run. One
instance has one core for all of it: its task manager with the Python processes of its operators, the job manager and
the broker. Two have two cores for all of it. So the ratio says what a second core with a second instance brings.
"""

from __future__ import annotations

import argparse
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

import psutil

from bench.contenders import STARTS_WITHIN_S
from bench.ground import DEAD_LETTERS, DECISIONS, FOLDER, Ground, purchases
from bench.summary import Summary, as_json, summarise
from bench.window import Window, watch
from jobs.config import DecisionsConfig
from jobs.kinds import DECISIONS_KIND
from jobs.profiles import Profile
from ops.errors import Refusal
from ops.flink.rest import FlinkRest, FlinkUnreachable, JobView
from ops.flink.standalone import StandaloneCluster
from ops.jobs.submit import Submission, submit

PROGRAMS = ("TaskManagerRunner", "StandaloneSessionClusterEntrypoint", "kafka.Kafka")
"""What is pinned; the Python processes of operators are where their task manager is."""
WINDOW = Window(warm_up_s=8.0, seconds=10.0)
"""Where all of it has one core, it warms up for longer."""
DAYS = 30
"""What the input spans: no run comes as far as to where points are released. From there on an event is two decisions,
so the faster of two runs would have the more to do."""


def measure(rounds: int, events: int = 1_000_000, accounts: int = 20_000) -> dict[str, Summary]:
    """Events/s with one and with two instances in turn, and the ratio of each round. Raises Refusal."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    with purchases(events, accounts, DAYS) as place:
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
    with StandaloneCluster(folder, slots=instances) as cluster:
        for member in psutil.Process().children(recursive=True):
            if any(_runs(member, program) for program in PROGRAMS):
                pin(member.pid, set(range(instances)))
        config = DecisionsConfig(
            bootstrap=place.bootstrap,
            parallelism=instances,
            profile=Profile.THROUGHPUT,
            group=f"bench-{instances}-{time.time_ns()}",
        )
        view = JobView(FlinkRest(cluster.address), submit(Submission(DECISIONS_KIND, config, cluster.address)))
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
