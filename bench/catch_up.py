"""`python -m bench.catch_up`: how fast a backlog is worked off after an outage, while the live traffic goes on.

The job decides 1 000 events/s, is killed without a warning, and is started again when the outage is over, as an
operator would. Measured from the first decision after that until it is a second behind the live traffic.
"""

from __future__ import annotations

import argparse
import shutil
import threading
import time
from collections.abc import Iterable

from bench import inputs
from bench.ground import DEAD_LETTERS, DECISIONS, Ground, ground
from bench.summary import Summary, as_json, summarise
from bench.ways import STATE, WAYS, events_of, job_command, running
from jobs.topics import TRANSACTIONS
from ops.errors import Refusal
from ops.generator.settings import OutRecord
from ops.producer import Sender

CATCHES_UP_WITHIN_S = 240.0


class _Live:
    """Traffic at a steady rate, in a thread of its own."""

    def __init__(self, bootstrap: str, records: Iterable[OutRecord], rate: float) -> None:
        self._bootstrap = bootstrap
        self._records = records
        self._rate = rate
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.sent = 0

    def __enter__(self) -> _Live:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()

    def _run(self) -> None:
        with Sender(self._bootstrap) as sender:
            began = time.monotonic()
            for record in self._records:
                ahead = self.sent / self._rate - (time.monotonic() - began)
                if ahead > 0.005:
                    sender.poll()
                    if self._ends.wait(ahead):
                        return
                sender.send(record.topic, record.key, record.value)
                self.sent += 1


def measure(rate: float = 1_000.0, live_s: float = 15.0, outage_s: float = 40.0) -> dict[str, Summary]:
    """Drained events/s, and its ratio to the live rate. Raises Refusal."""
    with ground("catch-up", [], inputs.programme) as place:
        place.fresh(TRANSACTIONS, DECISIONS, DEAD_LETTERS)
        shutil.rmtree(STATE, ignore_errors=True)
        with _Live(place.bootstrap, inputs.purchases(10_000_000, 10_000), rate) as live:
            with running(job_command("--checkpoint-interval", "5s")(place)):
                _wait(place, int(rate * live_s))
            time.sleep(outage_s)
            again = [word for word in job_command()(place) if word != "--fresh"]
            before = events_of(place, WAYS["full"])
            with running(again):
                found = _drain(place, live, before, rate)
    return {"catch_up_events_per_s": summarise([found]), "catch_up_ratio": summarise([found / rate])}


def _wait(place: Ground, events: int) -> None:
    deadline = time.monotonic() + CATCHES_UP_WITHIN_S
    while events_of(place, WAYS["full"]) < events:
        if time.monotonic() > deadline:
            raise Refusal("The decision job did not come to run.")
        time.sleep(0.5)


def _drain(place: Ground, live: _Live, before: int, rate: float) -> float:
    deadline = time.monotonic() + CATCHES_UP_WITHIN_S
    first: tuple[float, int] | None = None
    while True:
        now, done = time.monotonic(), events_of(place, WAYS["full"])
        if first is None and done > before:
            first = now, done
        if first is not None and done >= live.sent - rate and now > first[0]:
            return (done - first[1]) / (now - first[0])
        if now > deadline:
            raise Refusal(f"The backlog was not worked off: {done:,} of {live.sent:,} events were decided.")
        time.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.catch_up", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rate", type=float, default=1_000.0, help="live events a second")
    parser.add_argument("--outage-s", type=float, default=40.0)
    asked = parser.parse_args()
    print(as_json(measure(asked.rate, outage_s=asked.outage_s)))


if __name__ == "__main__":
    main()
