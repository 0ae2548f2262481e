"""The start barrier: no transaction or engagement is taken before the reference facts that there were at the start.

The contract (§3) asks for it: a job reads the programme, members, fraud signals and engagement context up to the end
that they had when it started before it decides its first transaction. What comes sooner waits in state, in its order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jobs.runtime.entry_queue import EntryQueue
from jobs.runtime.packing import unpack_record
from loyalty.records import Record
from loyalty.state.codec import StateEntries

StartOffsets = Mapping[str, Mapping[int, int]]
"""By topic and partition: the offset of the last record that could be read there when the job started."""


class StartBarrier:
    """Lets records through in order, and knows how far each partition has been taken.

    The position of each partition is kept in state: after a restart the source begins behind it, and a partition
    that has nothing new must not be waited for.
    """

    def __init__(self, entries: StateEntries, start_offsets: StartOffsets, held_topic: str) -> None:
        """The records of `held_topic` wait for those of all others in `start_offsets`."""
        self._entries = entries
        self._held_topic = held_topic
        self._waiting = EntryQueue(entries)
        self._unread = {
            topic: {
                partition: last for partition, last in partitions.items() if taken(entries, topic, partition) < last
            }
            for topic, partitions in start_offsets.items()
        }
        self._open = not self._missing()

    @property
    def is_open(self) -> bool:
        """Whether all reference facts of before the start have been taken."""
        return self._open

    def unread(self) -> dict[int, int]:
        """By partition of the held topic: the last record of before the start, where it has not been taken yet."""
        return dict(self._unread.get(self._held_topic, {}))

    def pass_on(self, packed: bytes) -> Record | None:
        """The record, if this one and nothing else may be taken: `admit` in short. None says to ask that."""
        return self._take(unpack_record(packed)) if self._open else None

    def admit(self, packed: bytes) -> Iterator[Record]:
        """The records that may be taken now that this one has come: none, it, or it and those that waited for it."""
        record = unpack_record(packed)
        if not self._open and record.topic == self._held_topic:
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
        self._entries.put(_position(record.topic, record.partition), b"%d" % record.offset)
        unread = self._unread.get(record.topic)
        if unread and record.offset >= unread.get(record.partition, 1 << 63):
            del unread[record.partition]
        return record

    def _missing(self) -> bool:
        return any(unread for topic, unread in self._unread.items() if topic != self._held_topic)


def taken(entries: StateEntries, topic: str, partition: int) -> int:
    """The offset of the last record of a partition that was taken, in this run or one before; -1 before the first."""
    raw = entries.get(_position(topic, partition))
    return -1 if raw is None else int(raw)


def _position(topic: str, partition: int) -> str:
    return f"@taken/{topic}/{partition}"
