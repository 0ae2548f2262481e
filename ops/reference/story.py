"""The demo's story as the README shows it: decided here and now by the domain, without Kafka or Flink."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap
from typing import Any

from loyalty.in_memory_run import InMemoryRun
from loyalty.offers.in_memory_run import InMemoryOffersRun
from loyalty.offers.validation import INPUTS
from loyalty.records import Record
from loyalty.times import format_time
from loyalty.wire import decisions, engagements, program
from loyalty.wire.json import to_json
from ops.decisions.watch import COLUMNS, line
from ops.demo.story import reference, scenes
from ops.program.documents import FOLDER
from ops.program.publish import check

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- story: begin -->", "<!-- story: end -->"
LAG_MS = 600_000
NOW_MS = 1_780_000_000_000
"""When everything arrives: the story is told afterwards, so no event is ahead of its record."""
SHOWN = ("Ada buys a coat", "Ada agreed to offers", "Weeks later", "She brings the coat back", "At night somebody")
"""How the scenes begin that the README shows."""
NOT_SHOWN = ("points.released", "redemption.settled")
"""Decisions that the README leaves out of them."""


class _Loop:
    """Both jobs, each reading what the other decides, as through `loyalty.decisions`."""

    def __init__(self) -> None:
        self._ledger = InMemoryRun(LAG_MS)
        self._offers = InMemoryOffersRun()
        self._offsets: Counter[str] = Counter()

    def send(self, topic: str, key: str, value: bytes) -> Iterator[dict[str, Any]]:
        """Sends one record to the jobs that read its topic, and gives the decisions that follow."""
        record = Record(topic, 0, self._offsets[topic], NOW_MS, key.encode(), value)
        self._offsets[topic] += 1
        if topic in INPUTS:
            yield from self._publish(self._offers.read(record))
        if topic != engagements.TOPIC:
            before = len(self._ledger.outcome.decisions)
            self._ledger.read(record)
            yield from self._publish(self._ledger.outcome.decisions[before:])

    def _publish(self, made: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for decision in list(made):
            yield decision
            published = to_json({**decision, "decided_at": format_time(NOW_MS)})
            yield from self.send(decisions.TOPIC, decision["account_id"], published)


def text() -> str:
    """The scenes that the README shows, each with its decisions."""
    loop = _Loop()
    for version in check(FOLDER):
        document = to_json(version.document.model_dump(mode="json"))
        list(loop.send(program.TOPIC, version.key, document))
    for topic, key, value in reference():
        list(loop.send(topic, key, value))
    told = []
    for scene in scenes():
        decided = [decision for record in scene.records for decision in loop.send(*record)]
        if scene.said.startswith(SHOWN):
            shown = [line(decision).plain for decision in decided if decision["type"] not in NOT_SHOWN]
            told.append("\n".join([*wrap(scene.said, COLUMNS), *shown]))
    return "\n".join(each.rstrip() for each in "\n\n".join(told).splitlines())


def readme() -> str:
    """The README with the story as it goes now between its two marks."""
    before, _, rest = README.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n```\n{text()}\n```\n{END}{after}"
