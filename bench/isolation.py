"""What a flood of engagements does to redemptions: `python -m bench.isolation`.

Both jobs run on this machine (`loyalty run all`), transactions come at one rate all the time, and engagements in every
second slice of it. Printed is how long redemption decisions took, by the timestamps of the topics, slice by slice.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from loyalty.wire import engagements, transactions
from ops.decisions.latency import percentiles
from ops.generate.send import traffic_records
from ops.generate.settings import OutRecord, Traffic
from ops.kafka.broker import LocalKafka
from ops.kafka.reading import read_all
from ops.kafka.sending import Sender
from ops.own_command import own_command
from ops.program.documents import FOLDER
from ops.program.publish import publish
from ops.topics.catalogue import read_catalogue
from ops.topics.plan import apply

STARTS_WITHIN_S = 120.0
PACE_S = 0.02
DRAINS_S = 5.0
WARM_UP_S = 15.0


class Slice(NamedTuple):
    """A span of wall clock (ms), and how many engagements a second came in it."""

    engagements_a_second: int
    begins_at: int
    ends_at: int
    cpu_s: dict[str, float]
    """What each part of the machine's work took, by its name."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="isolation", description=__doc__)
    parser.add_argument("--transactions", type=int, default=200, help="a second, all the time")
    parser.add_argument("--engagements", type=int, default=10_000, help="a second, in every second slice")
    parser.add_argument("--seconds", type=int, default=20, help="of a slice")
    parser.add_argument("--rounds", type=int, default=2, help="of one slice without and one with engagements")
    given = parser.parse_args()
    wanted = int(given.transactions * (WARM_UP_S + 2 * given.rounds * (given.seconds + DRAINS_S)))
    flood_size = given.engagements * given.seconds * given.rounds
    traffic = Traffic(seed=9, events=wanted, accounts=2_000, engagements=flood_size, malformed_rate=0)
    made: dict[str, list[OutRecord]] = {"reference": [], transactions.TOPIC: [], engagements.TOPIC: []}
    for record in traffic_records(traffic):
        made.get(record.topic, made["reference"]).append(record)
    with tempfile.TemporaryDirectory(prefix="loyalty-isolation-") as temporary:
        folder = Path(temporary)
        with LocalKafka(folder / "kafka") as broker:
            apply(broker.bootstrap, read_catalogue())
            publish(FOLDER, broker.bootstrap)
            _send(broker.bootstrap, made["reference"], None)
            with _jobs(broker.bootstrap, folder):
                slices = _slices(
                    broker.bootstrap, made, given.transactions, given.engagements, given.seconds, given.rounds
                )
            _show(broker.bootstrap, slices)


@contextmanager
def _jobs(bootstrap: str, folder: Path) -> Iterator[None]:
    words = ["run", "all", "--no-context", "--bootstrap", bootstrap, "--state", str(folder / "state")]
    log = folder / "jobs.log"
    with log.open("wb") as file:
        job = subprocess.Popen(own_command(words), stdout=file, stderr=subprocess.STDOUT)
        try:
            until = time.monotonic() + STARTS_WITHIN_S
            while log.read_text(errors="replace").count("Running after") < 2:
                if job.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"The jobs do not run:\n{log.read_text(errors='replace')}")
                time.sleep(0.2)
            yield
        finally:
            job.terminate()
            job.wait(120)


def _slices(
    bootstrap: str, made: dict[str, list[OutRecord]], a_second: int, flood_a_second: int, seconds: int, rounds: int
) -> list[Slice]:
    over = threading.Event()
    steady = threading.Thread(target=_send, args=(bootstrap, made[transactions.TOPIC], a_second, over))
    steady.start()
    time.sleep(WARM_UP_S)
    slices = []
    flood = made[engagements.TOPIC]
    for number in range(rounds):
        slices.append(_slice(0, seconds))
        some = flood[number * flood_a_second * seconds : (number + 1) * flood_a_second * seconds]
        # In a process of its own: sending must not hold up the transactions.
        flooding = multiprocessing.get_context("fork").Process(target=_send, args=(bootstrap, some, flood_a_second))
        flooding.start()
        slices.append(_slice(flood_a_second, seconds))
        flooding.join()
        time.sleep(DRAINS_S)
    over.set()
    steady.join()
    return slices


def _slice(engagements_a_second: int, seconds: int) -> Slice:
    begins_at = time.time_ns() // 1_000_000
    before = _cpu()
    time.sleep(seconds)
    after = _cpu()
    cpu_s = {name: used - before.get(name, 0.0) for name, used in after.items()}
    return Slice(engagements_a_second, begins_at, time.time_ns() // 1_000_000, cpu_s)


def _cpu() -> dict[str, float]:
    """Seconds of CPU that the processes below this one have used so far: each job with its JVM, the broker, senders."""
    found: dict[str, float] = defaultdict(float)
    here = psutil.Process()
    for process in [here, *here.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            found[_part(process, here)] += times.user + times.system
    return dict(found)


def _part(process: psutil.Process, here: psutil.Process) -> str:
    while process.pid != here.pid:
        words = process.cmdline()
        for job in ("decisions", "offers"):
            if job in words and "run" in words:
                return f"{job} job"
        if "kafka.Kafka" in words:
            return "broker"
        parent = process.parent()
        if parent is None or parent.pid == here.pid:
            return "engagements' sender" if "isolation" in " ".join(words) else "the rest"
        process = parent
    return "transactions' sender"


def _send(
    bootstrap: str, records: Sequence[OutRecord], a_second: int | None, over: threading.Event | None = None
) -> None:
    began = time.monotonic()
    with Sender(bootstrap) as sender:
        for number, record in enumerate(records):
            if a_second is not None and (ahead := number / a_second - (time.monotonic() - began)) > PACE_S:
                sender.poll()
                time.sleep(ahead)
            if over is not None and over.is_set():
                return
            sender.send(record.topic, record.key, record.value)


def _show(bootstrap: str, slices: Sequence[Slice]) -> None:
    received: dict[tuple[int, int], int] = {}
    decided: dict[tuple[int, int], int] = {}
    offers = 0
    for record in read_all(bootstrap, "loyalty.transactions", "loyalty.decisions"):
        place = record.partition, record.offset
        if record.topic == "loyalty.transactions":
            received[place] = record.timestamp_ms
            continue
        decision = json.loads(record.value or b"{}")
        offers += decision["stream"] == "offers"
        if decision["type"] == "redemption.decided":
            cause = decision["cause"]
            decided.setdefault((cause["partition"], cause["offset"]), record.timestamp_ms)
    print(f"{len(decided):,} redemptions, {offers:,} offers; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    parts = sorted({name for one in slices for name in one.cpu_s})
    print(f"| engagements/s | redemptions | p50 ms | p99 ms | {' | '.join(f'{name}, cores' for name in parts)} |")
    print("|---" * (4 + len(parts)) + "|")
    p99: dict[bool, list[int]] = {False: [], True: []}
    for one in slices:
        took = [at - received[place] for place, at in decided.items() if one.begins_at <= received[place] < one.ends_at]
        found = percentiles(took)
        seconds = (one.ends_at - one.begins_at) / 1_000
        used = " | ".join(f"{one.cpu_s.get(name, 0.0) / seconds:.2f}" for name in parts)
        print(f"| {one.engagements_a_second:,} | {len(took):,} | {found[50]} | {found[99]} | {used} |")
        p99[one.engagements_a_second > 0] += took
    without, beside = percentiles(p99[False])[99], percentiles(p99[True])[99]
    if without and beside:
        print(f"p99 of all slices: {without} ms without, {beside} ms with engagements: {beside / without:.2f} times")


if __name__ == "__main__":
    main()
