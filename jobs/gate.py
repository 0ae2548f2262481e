"""The gate: no transaction is taken before the reference facts that there were at the start.

The contract (§3) asks for it: a job reads the programme, members, fraud signals and engagement context up to the end
that they had when it started before it decides its first transaction. Transactions that come sooner wait in state, in
their order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jobs.domain import Pages, Record
from jobs.packing import unpack_record
from jobs.topics import REFERENCE, TRANSACTIONS
from jobs.waiting import Waiting

LastOffsets = Mapping[str, Mapping[int, int]]
"""By topic and partition: the offset of the last record that could be read there when the job started."""


class Gate:
    """Lets records through in order, and knows how far each partition has been taken.

    The position of each partition is kept in state: after a restart the source begins behind it, and a partition
    that has nothing new must not be waited for.
    """

    def __init__(self, pages: Pages, last_at_start: LastOffsets) -> None:
        self._pages = pages
        self._waiting = Waiting(pages)
        self._unread = {
            topic: {partition: last for partition, last in partitions.items() if self._taken(topic, partition) < last}
            for topic, partitions in last_at_start.items()
        }
        self._open = not self._missing()

    def unread_transactions(self) -> dict[int, int]:
        """By partition of the transactions: the last record of before the start, where it has not been taken yet."""
        return dict(self._unread.get(TRANSACTIONS, {}))

    def admit(self, packed: bytes) -> Iterator[Record]:
        """The records that may be taken now that this one has come: none, it, or it and those that waited for it."""
        record = unpack_record(packed)
        if not self._open and record.topic == TRANSACTIONS:
            self._waiting.add(packed)
            return
        yield self._take(record)
        if not self._open:
            self._open = not self._missing()
            yield from self.release()

    def release(self) -> Iterator[Record]:
        """The records that need wait no longer, if any do."""
        if self._open:
            for packed in self._waiting.release():
                yield self._take(unpack_record(packed))

    def _take(self, record: Record) -> Record:
        self._pages.put(_position(record.topic, record.partition), b"%d" % record.offset)
        unread = self._unread.get(record.topic)
        if unread and record.offset >= unread.get(record.partition, 1 << 63):
            del unread[record.partition]
        return record

    def _taken(self, topic: str, partition: int) -> int:
        raw = self._pages.get(_position(topic, partition))
        return -1 if raw is None else int(raw)

    def _missing(self) -> bool:
        return any(self._unread.get(topic) for topic in REFERENCE)


def _position(topic: str, partition: int) -> str:
    return f"@taken/{topic}/{partition}"
