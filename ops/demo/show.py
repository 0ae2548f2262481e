"""`loyalty demo`: starts everything, tells the story, sends traffic, reconciles, and stops everything it started."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.console import Console

from loyalty.records import Record
from ops.decisions.latency import latencies, percentiles
from ops.decisions.watch import line
from ops.demo.story import Scene, reference, scenes
from ops.errors import Exit, Refusal
from ops.kafka.broker import LocalKafka
from ops.kafka.reading import follow
from ops.kafka.sending import Sender
from ops.own_command import own_command
from ops.program.documents import FOLDER as PROGRAM_FOLDER
from ops.program.publish import publish
from ops.reconcile.verbs import reconcile_topics, show
from ops.topics.catalogue import read_catalogue
from ops.topics.plan import apply

SCENE_WITHIN_S = 300
"""How long a busy machine may take to start the jobs before the first of them; one that ends is noticed at once."""
SHOWN_OF_GENERATED = 250
"""One decision in so many of the generated traffic is shown."""


class _Screen:
    """Follows the decisions topic in the background and hands the decisions on in order."""

    def __init__(self, bootstrap: str) -> None:
        self._going_on = True
        self.decisions: queue.Queue[dict[str, Any]] = queue.Queue()
        self._thread = threading.Thread(target=self._follow, args=(bootstrap,), daemon=True)
        self._thread.start()

    def _follow(self, bootstrap: str) -> None:
        records: Iterator[Record] = follow(
            bootstrap, "loyalty.decisions", from_beginning=True, going_on=lambda: self._going_on
        )
        for record in records:
            self.decisions.put(json.loads(record.value or b"{}"))

    def close(self) -> None:
        self._going_on = False
        self._thread.join(10)


@contextmanager
def _job(bootstrap: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The whole loop in processes of its own, stopped as an operator would: SIGTERM, savepoints, exit 0."""
    log = (folder / "job.log").open("wb")
    words = ["run", "all", "--no-context", "--bootstrap", bootstrap, "--state", str(folder / "state")]
    job = subprocess.Popen(own_command(words), stdout=log, stderr=subprocess.STDOUT)
    try:
        yield job
        job.send_signal(signal.SIGTERM)
        if job.wait(90) != 0:
            raise Refusal(f"The jobs did not stop cleanly:\n{_tail(folder / 'job.log')}", Exit.FAILED)
    finally:
        while job.poll() is None:  # asked a second time, it ends the jobs at once
            job.send_signal(signal.SIGTERM)
            time.sleep(0.5)
        log.close()


def _tail(path: Path) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-20:])


class _Stage(NamedTuple):
    """The jobs as they run, what they say, and where their decisions are shown."""

    job: subprocess.Popen[bytes]
    log: Path
    screen: _Screen
    console: Console

    def tell(self, scene: Scene, sender: Sender) -> None:
        """Send a scene's records and show what is decided, until nothing comes any more. Raises Refusal."""
        self.console.print(f"\n[bold]{scene.said}[/bold]")
        for topic, key, value in scene.records:
            sender.send(topic, key.encode(), value)
        sender.flush()
        last = json.loads(scene.records[-1][2])["event_id"]
        until = time.monotonic() + SCENE_WITHIN_S
        decided = False
        while True:
            try:
                decision = self.screen.decisions.get(timeout=0.3)
            except queue.Empty:
                if decided:
                    return
                self._refuse_to_wait(until)
                continue
            self.console.print(line(decision), soft_wrap=True)
            decided = decided or decision["cause"]["event_id"] == last

    def _refuse_to_wait(self, until: float) -> None:
        if self.job.poll() is not None:
            raise Refusal(f"The job ended before it had decided:\n{_tail(self.log)}", Exit.FAILED)
        if time.monotonic() > until:
            raise Refusal(f"No decision came within {SCENE_WITHIN_S} s:\n{_tail(self.log)}", Exit.FAILED)

    def sample(self, sending: threading.Thread, quiet_s: float = 4) -> int:
        """Show a sample of the decisions until sending is over and none has come for a while; how many came."""
        came = 0
        quiet_since = time.monotonic()
        while sending.is_alive() or time.monotonic() - quiet_since < quiet_s:
            try:
                decision = self.screen.decisions.get(timeout=0.2)
            except queue.Empty:
                continue
            quiet_since = time.monotonic()
            came += 1
            if came % SHOWN_OF_GENERATED == 1:
                self.console.print(line(decision), soft_wrap=True)
        return came


def demo(events: int, rate: int, console: Console) -> None:
    """Run the demo in a folder of its own under the system's temporary folder; nothing of it stays."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="loyalty-demo-") as temporary:
        folder = Path(temporary)
        console.print("Starting a Kafka broker …")
        with LocalKafka(folder / "kafka") as broker:
            console.print(f"Kafka serves at {broker.bootstrap}.")
            _prepare(broker.bootstrap)
            console.print(
                "Topics and programme are there. Starting the decision job and the offers job on Flink mini-clusters …"
            )
            screen = _Screen(broker.bootstrap)
            try:
                with _job(broker.bootstrap, folder) as job:
                    stage = _Stage(job, folder / "job.log", screen, console)
                    with Sender(broker.bootstrap) as sender:
                        for scene in scenes():
                            stage.tell(scene, sender)
                    came = _crowd(stage, broker.bootstrap, events, rate)
                    console.print(f"{came:,} decisions came. Stopping the jobs with savepoints …")
            finally:
                screen.close()
            _close(broker.bootstrap, console)
    console.print(f"Everything is stopped and cleaned up. The demo took {time.monotonic() - began:.0f} s.")


def _prepare(bootstrap: str) -> None:
    apply(bootstrap, read_catalogue())
    publish(PROGRAM_FOLDER, bootstrap)
    with Sender(bootstrap) as sender:
        for topic, key, value in reference():
            sender.send(topic, key.encode(), value)


def _crowd(stage: _Stage, bootstrap: str, events: int, rate: int) -> int:
    """Send generated traffic and show some of what is decided; gives how many decisions came."""
    from ops.generate.send import generate

    stage.console.print(
        f"\n[bold]Now {events:,} generated transactions and as many engagements, {rate:,} of each a "
        f"second[/bold] (one decision in {SHOWN_OF_GENERATED} is shown)."
    )
    traffic = {"bootstrap": bootstrap, "events": events, "seed": 7, "rate": rate, "engagements": events}
    sending = threading.Thread(target=generate, kwargs=traffic)
    sending.start()
    came = stage.sample(sending)
    sending.join()
    return came


def _close(bootstrap: str, console: Console) -> None:
    found = reconcile_topics(bootstrap)
    console.print("\n[bold]Reconciliation[/bold]")
    for text in show(found):
        console.print(f"  {text}")
    measured = latencies(bootstrap)
    console.print("  latency, transaction on its topic to decision on its topic")
    for name, part in (("all of them", measured), ("second half, warm", measured[len(measured) // 2 :])):
        found_ms = percentiles(part)
        console.print(f"    {name:<18} p50 {found_ms[50]} ms, p99 {found_ms[99]} ms")
    if not found.sound:
        raise Refusal("The topics do not reconcile.", Exit.FOUND)


def demo_command(
    events: Annotated[int, typer.Option(min=1, help="How many generated events to send after the story.")] = 20_000,
    rate: Annotated[int, typer.Option(min=1, help="How many of them a second.")] = 1_000,
) -> None:
    """A broker, the job, a story and generated traffic on this machine; then the reconciliation."""
    # What was started has to be stopped.
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(Exit.TERMINATED))
    demo(events, rate, Console())
