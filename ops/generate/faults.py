"""What should not happen and does: each record says which dead letter it must become.

They are made so that no state of the account can change that. Dead letters beyond these come from honest traffic too:
the generator cannot know which request is denied, so some commits find no hold.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

import orjson

from loyalty.times import DAY_MS, HOUR_MS, format_time, parse_time
from loyalty.wire.transactions import TOPIC
from ops.generate.households import Household
from ops.generate.season import DISORDER_MS, Season
from ops.generate.settings import OutRecord

T = TypeVar("T")

DUPLICATE = "duplicate"
_KNOWN_FOR_MS = 10 * DAY_MS
"""Orders and redemptions are spoken of again only this long: every programme that is worth a name still knows them."""
_FAR_AHEAD = format_time(parse_time("2999-01-01T00:00:00.000Z"))


def again(season: Season, household: Household, event: dict[str, Any], value: bytes) -> OutRecord:
    """The event once more: byte for byte, or with its fields in another order, or (one in ten) with other content."""
    luck = season.dice.below(10)
    if luck == 0:
        changed = {**event, "source": "replayed-by-mistake"}
        return OutRecord(TOPIC, household.key, orjson.dumps(changed), "conflicting duplicate", "conflicting_duplicate")
    if luck < 4:
        value = orjson.dumps(event, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2)
    return OutRecord(TOPIC, household.key, value, "duplicate", DUPLICATE)


def send(season: Season, household: Household, event: dict[str, Any], arrives_at: int) -> OutRecord:
    """The event as a record; now and then it will be sent once more."""
    value = orjson.dumps(event)
    if season.dice.roll() < season.traffic.duplicate_rate:
        once_more = again(season, household, event, value)
        season.after(arrives_at + season.dice.between(1000, DISORDER_MS), lambda _: once_more)
    return OutRecord(TOPIC, household.key, value, event["type"])


def malformed(season: Season, moment: int) -> OutRecord:
    """A record that is not what the contract says."""
    household = season.somebody()
    event, _ = season.purchase(household, moment)
    make, expects = season.dice.pick(_MALFORMED)
    key, value = make(household.key, event)
    return OutRecord(TOPIC, key, value, "malformed", expects)


_Malformed = Callable[[bytes, dict[str, Any]], tuple[bytes | None, bytes | None]]


def _with(**fields: Any) -> _Malformed:
    return lambda key, event: (key, orjson.dumps({**event, **fields}))


def _without(field: str) -> _Malformed:
    return lambda key, event: (key, orjson.dumps({name: event[name] for name in event if name != field}))


def _half(key: bytes, event: dict[str, Any]) -> tuple[bytes, bytes]:
    value = orjson.dumps(event)
    return key, value[: len(value) // 2]


def _first_line(**fields: Any) -> _Malformed:
    return lambda key, event: (
        key,
        orjson.dumps({**event, "lines": [{**event["lines"][0], **fields}, *event["lines"][1:]]}),
    )


_MALFORMED: list[tuple[_Malformed, str]] = [
    (_half, "malformed_json"),
    (lambda key, _: (key, b""), "malformed_json"),
    (lambda key, _: (key, None), "malformed_json"),
    (lambda key, event: (key, orjson.dumps(event).replace(b"order-", b"\xff\xfe")), "malformed_json"),
    (lambda key, event: (key, orjson.dumps(event).replace(b'"quantity":', b'"quantity":NaN,"was":')), "malformed_json"),
    (lambda key, _: (key, b"[" * 1000), "malformed_json"),
    (lambda key, event: (key, orjson.dumps([event])), "schema_violation"),
    (_without("order_id"), "schema_violation"),
    (_without("occurred_at"), "schema_violation"),
    (_with(type="sale"), "schema_violation"),
    (_with(schema_version=2), "schema_violation"),
    (_with(occurred_at="2025-11-23 10:15:00"), "schema_violation"),
    (_with(account_id=""), "schema_violation"),
    (_with(lines=[]), "schema_violation"),
    (_first_line(amount=10.0), "schema_violation"),
    (_first_line(amount="10"), "schema_violation"),
    (_first_line(quantity=True), "schema_violation"),
    (_first_line(amount=2**53), "schema_violation"),
    (lambda _, event: (b"another-" + event["account_id"].encode(), orjson.dumps(event)), "key_mismatch"),
    (lambda _, event: (None, orjson.dumps(event)), "key_mismatch"),
]


def refused(season: Season, moment: int) -> OutRecord:
    """A well-formed event that a rule refuses."""
    turn = season.dice.below(len(_REFUSED))
    for make in (*_REFUSED[turn:], *_REFUSED[:turn]):
        made = make(season, moment)
        if made is not None:
            household, event, expects = made
            return OutRecord(TOPIC, household.key, orjson.dumps(event), "refused", expects)
    raise AssertionError("some of them can always be made")


_Refused = tuple[Household, dict[str, Any], str]


def _lately(season: Season, things: deque[tuple[int, Household, T]], moment: int) -> tuple[Household, T] | None:
    """One of the things that were sent within the last days."""
    while things and moment - things[0][0] > _KNOWN_FOR_MS:
        things.popleft()
    return season.dice.pick(things)[1:] if things else None


def _purchase(season: Season, moment: int, expects: str, **fields: Any) -> _Refused:
    household = season.somebody()
    event, _ = season.purchase(household, moment)
    return household, {**event, **fields}, expects


def _unknown_currency(season: Season, moment: int) -> _Refused:
    return _purchase(season, moment, "unknown_currency", currency="XTS")


def _unknown_partner(season: Season, moment: int) -> _Refused:
    return _purchase(season, moment, "unknown_partner", channel="partner", partner_id="nobody")


def _too_early(season: Season, moment: int) -> _Refused:
    return _purchase(season, moment, "too_early", occurred_at=_FAR_AHEAD)


def _no_programme(season: Season, moment: int) -> _Refused:
    before = format_time(season.shop.opens_at - 400 * DAY_MS)
    return _purchase(season, moment, "no_programme", occurred_at=before)


def _duplicate_order(season: Season, moment: int) -> _Refused | None:
    found = _lately(season, season.orders, moment)
    if found is None:
        return None
    household, order = found
    event, _ = season.purchase(household, moment)
    return household, {**event, "order_id": order.order_id}, "duplicate_order"


def _over_refund(season: Season, moment: int) -> _Refused | None:
    found = _lately(season, season.orders, moment)
    if found is None:
        return None
    household, order = found
    event = season.envelope("refund", household, household.store, moment)
    lines = [{"line_id": "1", "quantity": 1000}]
    return household, {**event, "order_id": order.order_id, "lines": lines}, "over_refund"


def _unknown_order(season: Season, moment: int) -> _Refused | None:
    # It waits for 24 hours first: towards the end of the time it would still be waiting.
    traffic = season.traffic
    if moment > traffic.end_ms - max(48 * HOUR_MS, (traffic.end_ms - traffic.start_ms) // 10):
        return None
    household = season.somebody()
    event = season.envelope("cancellation", household, "webshop", moment)
    return household, {**event, "order_id": f"order-{season.number()}-nowhere"}, "unknown_order"


def _unknown_redemption(season: Season, moment: int) -> _Refused:
    household = season.somebody()
    event = season.envelope("redemption.committed", household, "checkout", moment)
    return household, {**event, "redemption_id": f"redemption-{season.number()}-nowhere"}, "unknown_redemption"


def _duplicate_redemption(season: Season, moment: int) -> _Refused | None:
    found = _lately(season, season.requests, moment)
    if found is None:
        return None
    household, request = found
    envelope = season.envelope("redemption.requested", household, request["source"], moment)
    return household, {**request, **envelope}, "duplicate_redemption"


def _no_hold(season: Season, moment: int) -> _Refused | None:
    found = _lately(season, season.given_up, moment)
    if found is None:
        return None
    household, redemption_id = found
    event = season.envelope("redemption.committed", household, "checkout", moment)
    return household, {**event, "redemption_id": redemption_id}, "no_hold"


_REFUSED: list[Callable[[Season, int], _Refused | None]] = [
    _unknown_currency,
    _unknown_partner,
    _duplicate_order,
    _over_refund,
    _unknown_order,
    _unknown_redemption,
    _duplicate_redemption,
    _no_hold,
    _too_early,
    _no_programme,
]
