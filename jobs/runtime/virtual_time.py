"""Virtual time: event time that may step back, in a number that never does.

Flink's watermark only rises. The contract's clock steps back when a partition of the transactions has its first event
behind those of the others. So every timestamp, timer and watermark in the job is virtual: an epoch, which counts the
steps back, above 49 bits of event time. A later epoch is later than any moment of an earlier one.

The numbers are milliseconds; `Watermark.at_ms` is since 1970-01-01T00:00:00Z.
"""

from __future__ import annotations

from jobs.domain import Watermark

EPOCH_BITS = 13
TIME_BITS = 49

_SPAN = 1 << TIME_BITS
# RFC 3339 reaches from year 0 to year 9999, ±2.6e14 ms around 1970: half the span on either side holds it.
_HALF = _SPAN >> 1

NO_WATERMARK = -(1 << 63)
"""Where Flink's watermark stands before there is one."""
NO_CLOCK = NO_WATERMARK + 1
"""The timestamp of what comes before there is a clock: it moves no watermark."""

BEYOND = 1 << (EPOCH_BITS + TIME_BITS)
"""Later than every virtual moment: the time of the broadcast input, which must never hold the watermark back."""


def virtual(clock: Watermark) -> int:
    """The virtual moment of a clock. Raises OverflowError outside years 0 to 9999, or after 8191 steps back."""
    if not -_HALF <= clock.at_ms < _HALF or not 0 <= clock.epoch < 1 << EPOCH_BITS:
        raise OverflowError(f"{clock} is outside virtual time")
    return clock.epoch * _SPAN + clock.at_ms + _HALF


def exact(moment: int) -> Watermark | None:
    """The clock of a virtual moment; None for a watermark that has not been set yet, or one that ends the input."""
    if not 0 <= moment < BEYOND:
        return None
    epoch, at_ms = divmod(moment, _SPAN)
    return Watermark(epoch, at_ms - _HALF)


def timestamp(clock: Watermark | None) -> int:
    """The timestamp that a record must have for Flink's watermark behind it to be exactly `clock`.

    The built-in generator for ascending timestamps stays one millisecond below the highest it has seen, hence the one
    more.
    """
    return NO_CLOCK if clock is None else virtual(clock) + 1
