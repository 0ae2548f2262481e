"""What comes off a topic: records, strict JSON and the contract's times (contract §1)."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

MOST_LEVELS = 200
LARGEST_RECORD = 2 * 2**20
"""Bytes of an input record, key and value together."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})\.([0-9]{3})Z")
# A string that is cut off goes to the end of the text, so that no text is read more than once.
STRING = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
NUMBER = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([-+]?[0-9]+))?")
SURROGATE = re.compile("[\ud800-\udfff]")


class Record(NamedTuple):
    """One Kafka record as it was read; `timestamp_ms` is its own timestamp, milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None


def is_too_large(record: Record) -> bool:
    """Larger than any input may be."""
    return len(record.key or b"") + len(record.value or b"") > LARGEST_RECORD


class Number(NamedTuple):
    """The exact value of a number that is no integer of everyday size: ± `digits` × 10^`exponent`.

    `digits` have no zero at either end, so equal values are equal tuples; 0 has none.
    """

    negative: bool
    digits: str
    exponent: int


class Malformed(Exception):
    """The bytes are not one JSON text."""


def parse_json(value: bytes | None) -> Any:
    """The parsed text. Raises `Malformed` for Kafka's null, invalid UTF-8, bad JSON, NaN, and more than 200 levels."""
    if value is None:
        raise Malformed
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed from None
    if deepest_level(text) > MOST_LEVELS:
        raise Malformed
    try:
        parsed = json.loads(text, parse_constant=refuse_constant, parse_int=whole_number, parse_float=exact)
    except ValueError:
        raise Malformed from None
    if "\\u" in text and has_surrogate(parsed):
        raise Malformed
    return parsed


def refuse_constant(name: str) -> Any:
    """NaN and the infinities are Python's, not JSON's."""
    raise ValueError(name)


def whole_number(digits: str) -> int | Number:
    """Python refuses to read an int of thousands of digits; JSON does not, and no known field is that large."""
    return int(digits) if len(digits) < 100 else exact(digits)


def exact(text: str) -> Number:
    """The value of a JSON number, of which no digit is lost, however long or far from 0 it is."""
    match = NUMBER.fullmatch(text)
    assert match is not None
    sign, whole, fraction, exponent = match.groups(default="")
    digits = (whole + fraction).lstrip("0")
    kept = digits.rstrip("0")
    if not kept:
        return Number(False, "", 0)
    return Number(sign == "-", kept, large_integer(exponent) - len(fraction) + len(digits) - len(kept))


def large_integer(text: str) -> int:
    """An integer of any length (none is 0), read in parts, since Python refuses more than 4 300 digits at once."""
    digits = text.lstrip("+-")
    value = 0
    for start in range(0, len(digits), 4_000):
        part = digits[start : start + 4_000]
        value = value * 10 ** len(part) + int(part)
    return -value if text.startswith("-") else value


def deepest_level(text: str) -> int:
    """How deeply objects and arrays are nested; the outermost is level 1."""
    level = deepest = 0
    for character in STRING.sub("", text):
        if character in "[{":
            level += 1
            deepest = max(deepest, level)
        elif character in "]}":
            level -= 1
    return deepest


def has_surrogate(parsed: Any) -> bool:
    """Half a character (an escaped lone surrogate) is no text: it could never be written as UTF-8 again."""
    if isinstance(parsed, str):
        return SURROGATE.search(parsed) is not None
    if isinstance(parsed, list):
        return any(has_surrogate(item) for item in parsed)
    if isinstance(parsed, dict):
        return any(has_surrogate(name) or has_surrogate(item) for name, item in parsed.items())
    return False


def same_json(one: Any, other: Any) -> bool:
    """Equal as parsed JSON: order of names does not matter, numbers by value, true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_json(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same_json(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    numbers = int | Number
    if isinstance(one, numbers) and isinstance(other, numbers):
        return (exact(str(one)) if isinstance(one, int) else one) == (
            exact(str(other)) if isinstance(other, int) else other
        )
    return bool(one == other)


def parse_time(text: Any) -> int | None:
    """Milliseconds since 1970 of an exact `YYYY-MM-DDTHH:MM:SS.mmmZ`, or None when it is not one."""
    match = TIME.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    year, month, day, hour, minute, second, millisecond = (int(part) for part in match.groups())
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return (moment - EPOCH) // timedelta(milliseconds=1) + millisecond


def time_text(moment_ms: int) -> str:
    """The contract's text of milliseconds since 1970."""
    return (EPOCH + timedelta(milliseconds=moment_ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def time_of(body: dict[str, Any], name: str) -> int:
    """A time field that has passed the checks, in milliseconds since 1970."""
    moment = parse_time(body[name])
    assert moment is not None
    return moment
