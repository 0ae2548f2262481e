"""Virtual time: event time that may step back, in a number that never does.

Flink's watermark only rises. The contract's watermark steps back when a partition of the transactions has its first
event behind those of the others. So every timestamp, timer and watermark in the job is virtual: an epoch, which counts
the steps back, above 49 bits of event time. A later epoch is later than any moment of an earlier one.

The numbers are milliseconds; those of event time are since 1970-01-01T00:00:00Z.
"""

from __future__ import annotations

from typing import Any

from loyalty.validation import Watermark

EPOCH_BITS = 13
TIME_BITS = 49

_SPAN = 1 << TIME_BITS
# RFC 3339 reaches from year 0 to year 9999, ±2.6e14 ms around 1970: half the span on either side holds it.
_HALF = _SPAN >> 1

NO_WATERMARK = -(1 << 63)
"""Where Flink's watermark stands before there is one."""
BEFORE_ALL = NO_WATERMARK + 1
"""The timestamp of what comes before there is a watermark: it moves none."""

BEYOND = 1 << (EPOCH_BITS + TIME_BITS)
"""Later than every virtual moment: the time of the broadcast input, which must never hold the watermark back."""

REMEMBER_ACCOUNTS = 100_000
WAKE_AFTER_END_MS = 1_000


def virtual(moment: Watermark) -> int:
    """The virtual moment. Raises OverflowError outside years 0 to 9999, or after 8191 steps back."""
    if not -_HALF <= moment.ms < _HALF or not 0 <= moment.epoch < 1 << EPOCH_BITS:
        raise OverflowError(f"{moment} is outside virtual time")
    return moment.epoch * _SPAN + moment.ms + _HALF


def exact(moment: int) -> Watermark | None:
    """What a virtual moment stands for; None for Flink's watermark before it is set, or where it ends the input."""
    if not 0 <= moment < BEYOND:
        return None
    epoch, ms = divmod(moment, _SPAN)
    return Watermark(epoch, ms - _HALF)


def timestamp(watermark: Watermark | None) -> int:
    """The timestamp that an element must have for Flink's watermark behind it to be exactly `watermark`.

    The built-in generator for ascending timestamps stays one millisecond below the highest it has seen, hence the one
    more.
    """
    return BEFORE_ALL if watermark is None else virtual(watermark) + 1


class AccountTimers:
    """Wakes each account at moments of event time, through Flink's timers of virtual time."""

    def __init__(self) -> None:
        self._set_at: dict[str, int] = {}
        """By account, the virtual moment that was set last: setting it again would cross in vain."""

    def wake_at(self, account_id: str, moment: Watermark, timers: Any) -> None:
        """Sets a timer in Flink's timer service `timers`, which is at this account."""
        at = virtual(moment)
        if self._set_at.get(account_id) != at:
            if len(self._set_at) >= REMEMBER_ACCOUNTS:
                self._set_at.clear()
            self._set_at[account_id] = at
            timers.register_event_time_timer(at)

    def has_fired(self, account_id: str, at: int) -> None:
        """Flink has woken the account at this virtual moment: it is set no longer."""
        if self._set_at.get(account_id) == at:
            del self._set_at[account_id]

    def passed(self, at: int, timers: Any) -> Watermark | None:
        """The watermark, which has passed the moment of this timer; None where it has not.

        It may have stepped back since the timer was set. Then the moment is still to come, and is set anew. Or the
        input has ended, which fires all timers: in a job that is stopped with `--drain` they would be in no savepoint.
        So the wall clock is to wake the account where the job goes on.
        """
        due, watermark = exact(at), exact(timers.current_watermark())
        assert due is not None
        if watermark is None:
            timers.register_processing_time_timer(timers.current_processing_time() + WAKE_AFTER_END_MS)
            return None
        if due.ms <= watermark.ms:
            return watermark
        timers.register_event_time_timer(virtual(Watermark(watermark.epoch, due.ms)))
        return None
