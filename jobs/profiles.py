"""What a job is tuned for: the handful of settings that matter, each with its reason. Measured in
docs/explanation/performance.md.

| | `latency` | `throughput` |
|---|---|---|
| for | decisions that somebody waits for | catching up, replays, bounded runs |
| Python is given elements together | up to 100, after 1 ms | up to 500, after 20 ms |
| Flink sends a buffer that is not full | after 3 ms | after 100 ms |
| the producer waits for more to send in one request | 2 ms | 50 ms |
| a request's batch for one partition holds | 64 KiB | 512 KiB |
| batches are compressed | no | lz4: the broker stores and sends a third |
| Python operators share the JVM's interpreter lock | yes | no: but for one, each instance has a process of its own |
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Profile(StrEnum):
    """What a job is tuned for. It changes no decision, and a job may go on in another one."""

    LATENCY = "latency"
    THROUGHPUT = "throughput"


class Knobs(NamedTuple):
    """Settings of Flink and of its Kafka producer."""

    gather_elements: int
    """How many elements cross into Python together at most. A hundred make the crossing itself cheap; more of them are
    more decisions that come out only when the last one is made."""
    gather_ms: int
    """How long an element waits for others to cross with, where few come. Twice on the way to a decision."""
    buffer_timeout_ms: int
    """How long an element may lie in a network buffer that is not full. Twice on the way to a decision, so Flink's
    default of 100 ms would be most of the time to it; at full load buffers fill before either."""
    linger_ms: int
    """How long the producer gathers records for one request. With 0 it sends a request for nearly each decision, and
    those cost it and the broker together as much as half of deciding."""
    batch_bytes: int
    compression: str
    subprocesses: bool
    """Whether operators work in Python processes beside the JVM, so that they do not take turns with its interpreter
    lock. A batch has to be handed to another process and back for that: nothing where it is hundreds of elements, and
    as much as deciding where it is one or two."""


KNOBS = {
    Profile.LATENCY: Knobs(
        gather_elements=100,
        gather_ms=1,
        buffer_timeout_ms=3,
        linger_ms=2,
        batch_bytes=64 * 1024,
        compression="none",
        subprocesses=False,
    ),
    Profile.THROUGHPUT: Knobs(
        gather_elements=500,
        gather_ms=20,
        buffer_timeout_ms=100,
        linger_ms=50,
        batch_bytes=512 * 1024,
        compression="lz4",
        subprocesses=True,
    ),
}
