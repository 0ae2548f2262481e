"""`python -m bench.catch_up`: how fast a backlog is worked off after an outage, while the live traffic goes on.

The job decides 1 000 events/s, is killed without a warning, and is started again when the outage is over, as an
operator would: with the profile that it ran with, the default one unless `--profile` names another. The outage is not
sat out, since what matters of it is what has come meanwhile; that is sent at once. Measured from the first decision
after it to the last of the backlog, by the broker's clock: starting is not in it, warming up is.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from bench import inputs
from bench.contenders import STATE, decided_to, first_decisions, job_command, running
from bench.ground import DEAD_LETTERS, DECISIONS, Ground, ground
from bench.summary import Summary, as_json, summarise
from jobs.profiles import Profile
from jobs.topics import TRANSACTIONS
from ops.errors import Refusal
from ops.generate.settings import OutRecord
from ops.kafka.sending import Sender

CATCHES_UP_WITHIN_S = 180.0
LOOK_EVERY_S = 1.0
LIVE_S = 12.0
"""How long, at the live rate, the job decides before its outage."""
LASTS_S = 5.0
"""A backlog that is worked off sooner says little but how the job warms up."""


class _Live:
    """Traffic at a steady rate, in a thread of its own."""

    def __init__(self, bootstrap: str, records: Iterable[OutRecord], rate: float) -> None:
        self._bootstrap = bootstrap
        self._records = records
        self._rate = rate
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._at_once = 0
        self._sent = 0

    def __enter__(self) -> _Live:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()

    def send_at_once(self, events: int) -> None:
        """Sends so many events besides those of the rate, and returns when they have been taken for delivery."""
        wanted = self._sent + events
        self._at_once += events
        while self._sent < wanted and self._thread.is_alive():
            time.sleep(0.1)

    def _run(self) -> None:
        with Sender(self._bootstrap) as sender:
            began = time.monotonic()
            for record in self._records:
                ahead = (self._sent - self._at_once) / self._rate - (time.monotonic() - began)
                if ahead > 0.005:
                    sender.poll()
                    if self._ends.wait(ahead):
                        return
                sender.send(record.topic, record.key, record.value)
                self._sent += 1


def measure(
    runs: int = 1, rate: float = 1_000.0, outage_s: float = 100.0, profile: Profile = Profile.LATENCY
) -> dict[str, Summary]:
    """Drained events/s, and its ratio to the live rate. Raises Refusal."""
    rates = [_drain_rate(rate, outage_s, job_command("--profile", profile.value)) for _ in range(runs)]
    return {
        "catch_up_events_per_s": summarise(rates),
        "catch_up_ratio": summarise(found / rate for found in rates),
    }


def _drain_rate(rate: float, outage_s: float, job_of: Callable[[Ground], list[str]]) -> float:
    """Events/s of one outage. Raises Refusal."""
    with ground("catch-up", [], inputs.programme) as place:
        place.fresh(TRANSACTIONS, DECISIONS, DEAD_LETTERS)
        shutil.rmtree(STATE, ignore_errors=True)
        with _Live(place.bootstrap, inputs.purchases(10_000_000, 10_000), rate) as live:
            # Often, so that there is a checkpoint to go on from.
            with running([*job_of(place), "--fresh", "--checkpoint-interval", "2s"]) as job:
                _wait(place, job, lambda decided: sum(decided.values()) >= rate * LIVE_S)
            written = place.ends(DECISIONS)
            live.send_at_once(int(rate * outage_s))
            backlog = place.ends(TRANSACTIONS)
            with running(job_of(place)) as job:
                _wait(place, job, lambda decided: all(decided.get(part, 0) >= end for part, end in backlog.items()))
        return drained(first_decisions(place, written), backlog)


def _wait(place: Ground, job: subprocess.Popen[bytes], reached: Callable[[Mapping[int, int]], bool]) -> None:
    """Returns when the job has decided as many events of each partition as is asked for."""
    deadline = time.monotonic() + CATCHES_UP_WITHIN_S
    while not reached(decided := {partition: offset + 1 for partition, offset in decided_to(place).items()}):
        if job.poll() is not None:
            raise Refusal(f"The decision job ended with code {job.returncode}.")
        if time.monotonic() > deadline:
            raise Refusal(f"Only {sum(decided.values()):,} events were decided in {CATCHES_UP_WITHIN_S:.0f} s.")
        time.sleep(LOOK_EVERY_S)


def drained(decided: Mapping[tuple[int, int], int], backlog: Mapping[int, int]) -> float:
    """Events/s from the first decision to the last of the backlog, which ends at these offsets of each partition.

    Events that came behind the backlog of one partition while there was some in another count too.

    Args:
        decided: by partition and offset of an event, when it was decided, in ms.

    Raises:
        Refusal: that took too short to be a rate.
    """
    first = min(decided.values(), default=0)
    last = max((at for (partition, offset), at in decided.items() if offset < backlog[partition]), default=0)
    if last - first < LASTS_S * 1000:
        raise Refusal(f"The backlog was worked off in {(last - first) / 1000:.1f} s, too short to be measured.")
    return sum(at <= last for at in decided.values()) * 1000 / (last - first)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.catch_up", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rate", type=float, default=1_000.0, help="live events a second")
    parser.add_argument("--outage-s", type=float, default=100.0)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--profile", type=Profile, choices=[one.value for one in Profile], default=Profile.LATENCY)
    asked = parser.parse_args()
    print(as_json(measure(asked.runs, asked.rate, asked.outage_s, asked.profile)))


if __name__ == "__main__":
    main()
