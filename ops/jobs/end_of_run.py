"""When a run has done all that the topics held at its start, timers included.

Four things, one after the other:

1. the source has read the last record of every partition, in this run or in one before;
2. a checkpoint that was triggered after that has completed, so whatever was read has been decided;
3. it is still: for the decision job, every instance that decides has reached the watermark behind the intake, that does
   not move, and no more decisions come out (what waits in state for the programme is decided later than it is read);
   for the offers job, the operator that makes offers has been told to go on, and nothing more comes to it;
4. a checkpoint that was triggered after that has completed, so what was due by then has been decided, and Flink's
   counts have it.
"""

import time
from collections.abc import Callable, Mapping

from confluent_kafka import KafkaException, TopicPartition

from jobs.kinds import OFFERS_KIND, JobKind
from jobs.runtime.kafka_clients import consumer
from jobs.runtime.names import DECIDE_FOR_ACCOUNT, MAKE_OFFERS, SELECT_DECISIONS, WATERMARK_OF_RECORDS
from jobs.runtime.virtual_time import NO_WATERMARK
from ops.flink.rest import JobView

Offsets = dict[str, dict[int, int]]
"""By topic and partition: an offset."""

STANDS_STILL_S = 0.6
"""Twelve times the interval at which the intake sends its watermark."""
STANDS_STILL_WITHOUT_CLOCK_S = 2.5
"""After a restart the intake sends the clock it had once more, within a second or so."""
COUNTED_WITHIN_S = 0.6
"""Twice the interval at which Flink collects its counts."""
CHECKPOINT_AGAIN_S = 5.0
ASK_KAFKA_EVERY_S = 1.0


class EndOfRun:
    """Knows when a job has come to the end of what there was when it started."""

    def __init__(
        self,
        bootstrap: str,
        group: str,
        start_offsets: Mapping[str, Mapping[int, int]],
        read: Offsets,
        progress: "Progress | None" = None,
    ) -> None:
        """`read` is how far the runs before came; the job's Kafka `group` may know better, after a crash."""
        self._progress = progress or watermark_and_decisions
        self._wanted = start_offsets
        self._read = read
        self._committed = _Committed(bootstrap, group, start_offsets)
        self._all_read = False
        self._behind_what_is_read = _Checkpoint()
        self._at: Reached | None = None
        self._still_since = 0.0
        self._behind_what_was_due = _Checkpoint()
        self._done_at: float | None = None

    def is_reached(self, view: JobView) -> bool:
        """To be asked again and again while the job runs. Raises FlinkUnreachable."""
        if not self._all_read:
            here = merged(self._read, merged(view.positions(), self._committed.offsets()))
            self._all_read = all(
                here.get(topic, {}).get(partition, -1) >= last
                for topic, partitions in self._wanted.items()
                for partition, last in partitions.items()
            )
        elif self._behind_what_is_read.has_completed(view) and self._stands_still(view):
            return self._behind_what_was_due.has_completed(view) and self._is_counted()
        return False

    def _stands_still(self, view: JobView) -> bool:
        at = self._progress(view)
        now = time.monotonic()
        if at is None or at != self._at:
            self._at, self._still_since = at, now
            return False
        return now - self._still_since >= (STANDS_STILL_WITHOUT_CLOCK_S if at[0] == NO_WATERMARK else STANDS_STILL_S)

    def _is_counted(self) -> bool:
        now = time.monotonic()
        self._done_at = self._done_at or now
        return now - self._done_at >= COUNTED_WITHIN_S


class _Checkpoint:
    """A checkpoint that is triggered when it is first asked for."""

    def __init__(self) -> None:
        self._triggered_at = 0.0
        self._first_trigger_ms = 0
        self._completed = False

    def has_completed(self, view: JobView) -> bool:
        self._completed = self._completed or self._completes(view)
        return self._completed

    def _completes(self, view: JobView) -> bool:
        if self._first_trigger_ms and view.latest_checkpoint_ms() >= self._first_trigger_ms:
            return True
        now = time.monotonic()
        if now - self._triggered_at > CHECKPOINT_AGAIN_S:
            self._triggered_at = now
            self._first_trigger_ms = self._first_trigger_ms or time.time_ns() // 1_000_000
            view.trigger_checkpoint()
        return False


Reached = tuple[int, ...]
Progress = Callable[[JobView], "Reached | None"]
"""How far a job has come behind its intake, in numbers that stand still when it has nothing to do; None: not yet."""


def watermark_and_decisions(view: JobView) -> Reached | None:
    """The watermark, if every instance that decides has reached it, and how many decisions there are."""
    sent = view.metric(WATERMARK_OF_RECORDS, "currentOutputWatermark")
    reached = view.metric(DECIDE_FOR_ACCOUNT, "currentInputWatermark")
    if not sent or set(reached) != set(sent):
        return None
    return sent[0], sum(view.metric(SELECT_DECISIONS, "numRecordsOut"))


def elements_for_offers(view: JobView) -> Reached | None:
    """How many elements have come to where offers are made. The first one is the word to go on, in every run."""
    came = view.metric(MAKE_OFFERS, "numRecordsIn")
    return (came[0],) if came and came[0] else None


def progress_of(kind: JobKind) -> Progress:
    """What stands still at the end of a run of this job."""
    return elements_for_offers if kind is OFFERS_KIND else watermark_and_decisions


def merged(one: Mapping[str, Mapping[int, int]], other: Mapping[str, Mapping[int, int]]) -> Offsets:
    """The greater offset of each partition."""
    result = {topic: dict(partitions) for topic, partitions in one.items()}
    for topic, partitions in other.items():
        of = result.setdefault(topic, {})
        for partition, offset in partitions.items():
            of[partition] = max(offset, of.get(partition, -1))
    return result


class _Committed:
    """What the group has committed. Kafka's source does that late, by up to 10 s when nothing comes."""

    def __init__(self, bootstrap: str, group: str, places: Mapping[str, Mapping[int, int]]) -> None:
        self._places = [TopicPartition(topic, partition) for topic, of in places.items() for partition in of]
        self._consumer = consumer(bootstrap, group)
        self._known: Offsets = {}
        self._asked_at = 0.0

    def offsets(self) -> Offsets:
        """By partition, the offset of the last record that is committed."""
        if self._places and time.monotonic() - self._asked_at > ASK_KAFKA_EVERY_S:
            self._asked_at = time.monotonic()
            try:
                found = self._consumer.committed(self._places, timeout=5)
            except KafkaException:
                return self._known
            for place in found:
                self._known.setdefault(place.topic, {})[place.partition] = place.offset - 1
        return self._known
