"""What the topics say of parked accounts and members.

A dead letter says that its record parked somebody. The record sent again (the same key, and the same value or the same
event) lets them go on; where that fails as well, it has a dead letter of its own.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any, NamedTuple

from jobs.operators.parking import PARKS, REASON
from jobs.runtime.kafka_clients import Place, Span, read_to_end
from loyalty.records import Record, is_sent_again
from loyalty.wire.decisions import DEAD_LETTER_TOPIC
from ops.errors import Exit, Refusal
from ops.kafka.reading import QUIET_S, read_all, reading, spans_of, to_record


class Parking(NamedTuple):
    """A record that parked an account or a member, and has not been sent again."""

    record: Record
    """As it is on its topic."""
    why: str
    """The dead letter's sentence."""
    behind: int
    """How many records of its key came after it: they wait, but for those that need nothing of the account's state."""


def is_parking(letter: dict[str, Any]) -> bool:
    """Whether a dead letter says that somebody is parked."""
    return letter["reason"] == REASON and PARKS in letter["detail"]


def parked(bootstrap: str) -> list[Parking]:
    """Whoever is parked, in the order of the topics. Raises Refusal when a topic is not there.

    Read are the dead letters, and the partitions that they name, from the first such record on.
    """
    said: dict[Place, dict[int, str]] = defaultdict(dict)
    for record in read_all(bootstrap, DEAD_LETTER_TOPIC):
        letter = json.loads(record.value or b"null")
        if is_parking(letter):
            said[letter["topic"], letter["partition"]][letter["offset"]] = letter["detail"]
    found: list[Parking] = []
    for place, letters in sorted(said.items()):
        found += _not_sent_again(_since(bootstrap, place, min(letters)), letters)
    return found


def _not_sent_again(records: list[Record], letters: dict[int, str]) -> list[Parking]:
    found: dict[int, Parking] = {}
    for record in records:
        for offset, one in list(found.items()):
            if one.record.key != record.key:
                continue
            if is_sent_again(one.record, record):
                del found[offset]
            elif record.offset not in letters:
                found[offset] = one._replace(behind=one.behind + 1)
        if record.offset in letters:
            found[record.offset] = Parking(record, letters[record.offset], 0)
    return list(found.values())


def _since(bootstrap: str, place: Place, offset: int) -> list[Record]:
    """The records of a partition from this one on."""
    with reading(bootstrap) as reader:
        low, high = spans_of(reader, [place])[place]
        start = max(low, offset)
        if start >= high:
            return []
        try:
            return [to_record(message) for message in read_to_end(reader, {place: Span(start, high)}, QUIET_S)]
        except TimeoutError as problem:
            raise Refusal(f"The broker at {bootstrap} stopped serving records: {problem}.", Exit.FAILED) from problem
