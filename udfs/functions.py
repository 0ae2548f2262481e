"""What `udfs.register` makes known to SQL.

Types are whole numbers, text and maps of text only: thread mode breaks on temporal types and on arrays of rows. NULL in
any argument gives NULL, as in SQL's own functions, and so does a result that does not exist or does not fit into a
BIGINT.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, NamedTuple

import orjson

from loyalty.offers import devices
from loyalty.rules import reason_texts
from loyalty.rules.earning import ONE_BP, Rates, line_points
from loyalty.times import format_time, parse_time
from loyalty.wire import masking

BIGINT_MAX = 2**63 - 1

Answer = int | str | dict[str, str]


class Function(NamedTuple):
    """A scalar function of SQL: SQL types, the arguments by name and in order."""

    name: str
    call: Callable[..., Answer | None]
    takes: Mapping[str, str]
    gives: str
    meaning: str


def points_for_line(amount: int, points: int, per_minor: int, category_bp: int, tier_bp: int, partner_bp: int) -> int:
    """`loyalty.rules.earning.line_points` of a line of `amount` minor units."""
    return line_points(_CATEGORY, amount, Rates(points, per_minor, {_CATEGORY: category_bp}, tier_bp, partner_bp))[0]


def qualifying_points_for_line(amount: int, points: int, per_minor: int, category_bp: int) -> int:
    """The qualifying points of `loyalty.rules.earning.line_points`, which no tier and no partner multiplies."""
    return line_points(_CATEGORY, amount, Rates(points, per_minor, {_CATEGORY: category_bp}, ONE_BP, ONE_BP))[1]


def epoch_ms(text: str) -> int:
    """`loyalty.times.parse_time`."""
    return parse_time(text)


def time_text(ms: int) -> str:
    """`loyalty.times.format_time`."""
    return format_time(ms)


def recent_devices(seen: str, until: str) -> dict[str, str]:
    """`loyalty.offers.devices.recent_devices`; `seen` is a JSON array of pairs: device, time."""
    pairs = ((device, parse_time(at)) for device, at in orjson.loads(seen))
    return {device: format_time(at) for device, at in devices.recent_devices(pairs, parse_time(until)).items()}


def masked(value: str, classification: str) -> str:
    """`loyalty.wire.masking.masked`."""
    return masking.masked(value, classification)


def reason_text(code: str) -> str:
    """`loyalty.rules.reason_texts.reason_text`."""
    return reason_texts.reason_text(code)


_CATEGORY = "category"


def _or_null(call: Callable[..., Answer]) -> Callable[..., Answer | None]:
    """An error in a function would stop the query, so what has no answer is NULL."""

    @wraps(call)
    def answer(*arguments: Any) -> Answer | None:
        if None in arguments:
            return None
        try:
            found = call(*arguments)
        except (TypeError, ValueError, ZeroDivisionError):
            return None
        return found if not isinstance(found, int) or -BIGINT_MAX - 1 <= found <= BIGINT_MAX else None

    return answer


def _or_empty(call: Callable[..., Answer]) -> Callable[..., Answer | dict[str, str]]:
    """For maps: thread mode fails on one that is NULL (Flink 2.2.1), so what has no answer is empty."""
    answer = _or_null(call)

    @wraps(call)
    def filled(*arguments: Any) -> Answer | dict[str, str]:
        found = answer(*arguments)
        return {} if found is None else found

    return filled


FUNCTIONS = (
    Function(
        "points_for_line",
        _or_null(points_for_line),
        {
            "amount": "BIGINT",
            "points": "BIGINT",
            "per_minor": "BIGINT",
            "category_bp": "BIGINT",
            "tier_bp": "BIGINT",
            "partner_bp": "BIGINT",
        },
        "BIGINT",
        "what a purchase line earns; amounts in minor units, rates in basis points",
    ),
    Function(
        "qualifying_points_for_line",
        _or_null(qualifying_points_for_line),
        {"amount": "BIGINT", "points": "BIGINT", "per_minor": "BIGINT", "category_bp": "BIGINT"},
        "BIGINT",
        "what a purchase line counts towards a tier",
    ),
    Function(
        "epoch_ms",
        _or_null(epoch_ms),
        {"text": "STRING"},
        "BIGINT",
        "a time as the topics write it, in milliseconds since 1970; NULL for any other text",
    ),
    Function(
        "time_text",
        _or_null(time_text),
        {"ms": "BIGINT"},
        "STRING",
        "milliseconds since 1970 as the topics write a time",
    ),
    Function(
        "recent_devices",
        _or_empty(recent_devices),
        {"seen": "STRING", "until": "STRING"},
        "MAP<STRING, STRING>",
        "the devices seen in the 24 h up to `until`, with the last time of each; `seen` is JSON, `[[device, time], …]`",
    ),
    Function(
        "masked",
        _or_null(masked),
        {"value": "STRING", "classification": "STRING"},
        "STRING",
        "a field as it may be shown by its classification: all, the last 4 characters or none of it",
    ),
    Function(
        "reason_text",
        _or_null(reason_text),
        {"code": "STRING"},
        "STRING",
        "what a reason code says in a few words",
    ),
)
"""In the order of the table in `sql/README.md`."""
