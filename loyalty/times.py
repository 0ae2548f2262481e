"""Times and durations: epoch milliseconds inside, RFC 3339 in UTC with three decimals on the wire (contract §1)."""

from __future__ import annotations

import re
from datetime import date

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
FIRST_MS = -62_135_596_800_000
LAST_MS = 253_402_300_799_999
"""The first and the last moment that the wire can write, in the years 0001 and 9999."""

TIME_PATTERN = (
    r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z$"
)
"""For JSON Schema. It leaves the calendar (31 June, year 0000) to `parse_time`."""

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T")
_DURATION = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)")
_UNITS_MS = {"ms": 1, "s": 1000, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
_DAYS_MAX = 4096

# A time is read by four look-ups, one per part, because it is on the path of every event. Each key has the separator
# that follows it, so that a part of the wrong length or form is simply not found.
_days: dict[str, int] = {}
_minutes = {f"{hour:02}:{minute:02}:": (hour * 60 + minute) * MINUTE_MS for hour in range(24) for minute in range(60)}
_day_texts: dict[int, str] = {}
_seconds = {f"{second:02}.": second * 1000 for second in range(60)}
_millis = {f"{milli:03}Z": milli for milli in range(1000)}
_minute_texts = list(_minutes)
_second_texts = list(_seconds)
_milli_texts = list(_millis)
_read_last = (0, "1970-01-01T00:00:00.000Z")
"""The moment that was read last is nearly always the one that is written next."""


def parse_time(text: str) -> int:
    """Reads `YYYY-MM-DDTHH:MM:SS.mmmZ` (years 0001 to 9999, no leap second) as epoch milliseconds.

    Raises ValueError for any other text.
    """
    global _read_last
    try:
        moment = _days[text[:11]] + _minutes[text[11:17]] + _seconds[text[17:20]] + _millis[text[20:]]
    except KeyError:
        pass
    else:
        _read_last = moment, text
        return moment
    day_text = text[:11]
    try:
        day = _parse_day(day_text)
        moment = day + _minutes[text[11:17]] + _seconds[text[17:20]] + _millis[text[20:]]
    except (KeyError, ValueError):
        raise ValueError(f"not a time like 2026-11-23T10:15:00.000Z: {text[:40]!r}") from None
    if len(_days) >= _DAYS_MAX:
        _days.clear()
    _days[day_text] = day
    return moment


def _parse_day(text: str) -> int:
    found = _DAY.fullmatch(text)
    if found is None:
        raise ValueError(text)
    year, month, day = map(int, found.groups())
    return (date(year, month, day).toordinal() - _EPOCH_DAY) * DAY_MS


def format_time(ms: int) -> str:
    """Writes epoch milliseconds as `YYYY-MM-DDTHH:MM:SS.mmmZ`.

    Raises ValueError outside the years 0001 to 9999.
    """
    read = _read_last
    if read[0] == ms:
        return read[1]
    days, rest = divmod(ms, DAY_MS)
    day = _day_texts.get(days) or _format_day(days, ms)
    minutes, rest = divmod(rest, MINUTE_MS)
    return day + _minute_texts[minutes] + _second_texts[rest // 1000] + _milli_texts[rest % 1000]


def _format_day(days: int, ms: int) -> str:
    try:
        day = date.fromordinal(_EPOCH_DAY + days).isoformat() + "T"
    except (ValueError, OverflowError):
        raise ValueError(f"{ms} ms lie outside the years 0001 to 9999") from None
    if len(_day_texts) >= _DAYS_MAX:
        _day_texts.clear()
    _day_texts[days] = day
    return day


def parse_duration(text: str) -> int:
    """Reads `500ms`, `30s`, `10m`, `24h` or `400d` as milliseconds. Raises ValueError for any other text."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"not a duration like 30s, 10m, 24h or 400d: {text[:40]!r}")
    return int(found[1]) * _UNITS_MS[found[2]]
