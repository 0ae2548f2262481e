"""`python -m bench.profile`: where the CPU of an event goes, from Kafka to Kafka.

The decision job runs over purchases as a user runs it, and so do both ways of a running balance in its operators. Linux
counts the CPU of each thread of its JVM, of its Python and of the broker; two looks at these counters, some seconds
apart, and the number of events decided between them give microseconds of CPU an event by thread, with nothing slowed.
What Python takes of the two threads that run it is measured in this process, where nothing else is at work
(`bench.domain`, of the same purchases); the rest of these threads is the crossing between the JVM and Python, the state
behind it, and what two threads on one lock cost each other.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections import Counter
from collections.abc import Mapping
from itertools import chain, islice

import psutil

from bench import cpu, domain, inputs
from bench.contenders import CONTENDERS, STARTS_WITHIN_S, STATE, Contender, events_of, running
from bench.ground import DEAD_LETTERS, DECISIONS, purchases
from bench.summary import Summary, as_json, summarise
from ops.errors import Refusal

THREADS = (
    ("Source Data Fet", "Kafka: fetch"),
    ("Source: read-re", "JVM: source, Java packs"),
    ("Source: records", "JVM: source, SQL"),
    ("check-records", "check-records: thread"),
    ("KEYED PROCESS", "the one operator: thread (SQL, producer's front included)"),
    ("decide-for-acco", "decide-for-account: thread (SQL unpacks, producer's front included)"),
    ("kafka-producer-", "Kafka: producer's network thread"),
    ("GC Thread", "JVM: garbage collection"),
    ("G1 ", "JVM: garbage collection"),
    ("C1 Compiler", "JVM: compilers"),
    ("C2 Compiler", "JVM: compilers"),
    ("AsyncOperations", "JVM: checkpoints"),
    ("OutputFlusher", "JVM: buffer timeout"),
)
"""The beginnings of thread names, as far as Linux keeps them, and what the threads do."""
IN_PROCESS = 100_000
"""So many of the purchases come before points are released, as those that are decided while the job is looked at do."""
OTHER = "JVM: the rest (REST, metrics, coordination)"


def measure(contender: Contender, events: int, accounts: int, warm_up_s: float, seconds: float) -> dict[str, float]:
    """Microseconds of CPU an event, by what it is spent for. Raises Refusal."""
    with purchases(events, accounts) as place:
        place.fresh(DECISIONS, DEAD_LETTERS)
        shutil.rmtree(STATE, ignore_errors=True)
        broker = next(child for child in psutil.Process().children() if child.name() == "java")
        with running(contender.command(place)) as process:
            deadline = time.monotonic() + STARTS_WITHIN_S
            while not events_of(place, contender):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise Refusal("The job did not come to decide.")
                time.sleep(0.5)
            time.sleep(warm_up_s)
            jvm = cpu.children_named(process.pid, "java")[0]
            looks = []
            for pause in (seconds, 0.0):
                looks.append(
                    (
                        events_of(place, contender),
                        cpu.by_thread(jvm),
                        sum(cpu.by_thread(process.pid).values()),
                        sum(cpu.by_thread(broker.pid).values()),
                    )
                )
                time.sleep(pause)
    (done, threads, python, kafka), (done_2, threads_2, python_2, kafka_2) = looks
    if done_2 <= done:
        raise Refusal("The input came to its end before it was measured: more events are needed.")
    us = 1e6 / cpu.TICKS_S / (done_2 - done)
    spent: Counter[str] = Counter()
    for thread, ticks in (threads_2 - threads).items():
        spent[next((what for begin, what in THREADS if thread.startswith(begin)), OTHER)] += ticks
    found = {what: ticks * us for what, ticks in spent.items()}
    found["Python: the command that watches"] = (python_2 - python) * us
    found["Kafka: the broker"] = (kafka_2 - kafka) * us
    return dict(sorted(found.items(), key=lambda one: -one[1]))


def table(found: Mapping[str, float], title: str) -> list[str]:
    total = sum(found.values())
    rows = [f"| {title} | µs of CPU an event | share |", "|---|---|---|"]
    rows += [f"| {what} | {spent:.1f} | {spent / total:.0%} |" for what, spent in found.items() if spent >= 0.05]
    return [*rows, f"| **all** | **{total:.1f}** | |"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--accounts", type=int, default=20_000)
    parser.add_argument("--warm-up-s", type=float, default=8.0)
    parser.add_argument("--seconds", type=float, default=8.0)
    asked = parser.parse_args()
    figures: dict[str, Summary] = {}
    for name in ("full", "whole", "balance"):
        found = measure(CONTENDERS[name], asked.events, asked.accounts, asked.warm_up_s, asked.seconds)
        print("\n".join([*table(found, CONTENDERS[name].title), ""]), flush=True)
        for what, spent in found.items():
            figures[f"profile_{name}_{domain.plain(what)}_us"] = summarise([spent])
    same = islice(inputs.purchases(asked.events, asked.accounts), IN_PROCESS)
    inside = domain.measure(chain(inputs.programme(), same), 3, "the first of the same purchases, in Python alone")
    print(as_json({**figures, **inside}))


if __name__ == "__main__":
    main()
