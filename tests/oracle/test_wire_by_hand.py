"""The oracle's reading of records: strict JSON, the schema, the key, the clock of the record, and in which order."""

import json
from time import perf_counter
from typing import Any

import pytest

from .oracle import decide_all
from .stories import Plain, Story, at, dead, told
from .wire import Malformed, Record, parse_json, parse_time, same_json, time_text


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"{",
        b"{} {}",
        b'{"a":1,}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b"\xff{}",
        b"\xef\xbb\xbf{}",
        b'{"a":"\t"}',
        b'{"a":"\\udc00"}',
        b"[" * 201 + b"]" * 201,
        b"{'a':1}",
        b"01",
    ],
)
def test_what_is_not_strict_json_is_malformed(value: bytes | None) -> None:
    with pytest.raises(Malformed):
        parse_json(value)


def test_json_of_200_levels_long_numbers_and_repeated_names_is_read() -> None:
    parse_json(b"[" * 200 + b"]" * 200)
    parse_json(b'["' + b"[" * 500 + b'\\""]')
    parse_json(b"9" * 10_000)
    assert parse_json(b'{"a":1,"a":2}') == {"a": 2}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1.5", "15e-1", True),
        ("1.50", "1.5", True),
        ("100", "1E+2", True),
        ("0", "-0.0e9", True),
        ("1e400", "10e399", True),
        ("1e400", "1e401", False),
        ("1e400", "null", False),
        ("1e-400", "0", False),
        ("-1", "1", False),
        ("0.1", "0.1000000000000000055511151231257827", False),
        ("9" * 5_000, "9" * 5_000, True),
        ("9" * 5_000, "9" * 4_999 + "8", False),
        ("1" + "0" * 5_000, "1e5000", True),
        (f"1e{'7' * 5_000}", f"10e{'7' * 4_999}6", True),
        (f"1e{'7' * 5_000}", f"1e-{'7' * 5_000}", False),
    ],
    ids=lambda one: str(one)[:20],
)
def test_numbers_are_compared_to_the_last_digit(one: str, other: str, same: bool) -> None:
    assert same_json(parse_json(one.encode()), parse_json(other.encode())) is same


@pytest.mark.parametrize("part", [b'\\"x\\":1,', b'"', b'"\\', b"[[", b"\\"])
def test_a_record_that_is_cut_off_is_found_out_in_time_that_grows_with_its_length(part: bytes) -> None:
    started = perf_counter()
    with pytest.raises(Malformed):
        parse_json(b'{"raw":"' + part * (2_000_000 // len(part)))
    assert perf_counter() - started < 60  # going over it once for each quote would take hours


def test_parsed_json_is_compared_by_value() -> None:
    assert same_json({"a": [1, {"b": None}], "c": 2}, {"c": 2, "a": [1, {"b": None}]})
    assert not same_json({"a": 1}, {"a": 1, "b": None})
    assert not same_json([True], [1])
    assert not same_json([0], [False])
    assert same_json([1], [1.0])
    assert not same_json(["1"], [1])


@pytest.mark.parametrize(
    "text",
    [
        "2024-02-30T00:00:00.000Z",
        "2023-02-29T00:00:00.000Z",
        "2024-02-28T00:00:00Z",
        "2024-02-28T00:00:00.0000Z",
        "2024-02-28T00:00:00.000+00:00",
        "2024-02-28t00:00:00.000z",
        "2024-02-28T24:00:00.000Z",
        "2024-02-28T23:59:60.000Z",
        "0000-01-01T00:00:00.000Z",
        "2024-02-28T00:00:00.000Z ",
        "२०24-02-28T00:00:00.000Z",
        20240228,
        None,
    ],
)
def test_other_time_formats_are_no_times(text: Any) -> None:
    assert parse_time(text) is None


@pytest.mark.parametrize(
    "text",
    ["0001-01-01T00:00:00.000Z", "1970-01-01T00:00:00.001Z", "2024-02-29T12:34:56.789Z", "9999-12-31T23:59:59.999Z"],
)
def test_a_time_goes_to_milliseconds_and_back(text: str) -> None:
    moment = parse_time(text)
    assert moment is not None
    assert time_text(moment) == text


PURCHASE: Plain = {
    "member_id": "m",
    "order_id": "o",
    "channel": "store",
    "currency": "EUR",
    "lines": [{"line_id": "l", "sku": "s", "category": "c", "quantity": 1, "amount": 1}],
}


def line(**changed: Any) -> Plain:
    return {"lines": [{**PURCHASE["lines"][0], **changed}]}


@pytest.mark.parametrize(
    "changed",
    [
        {"event_id": ""},
        {"event_id": 1},
        {"type": "sale"},
        {"type": "click"},
        {"schema_version": 2},
        {"schema_version": 1.0},
        {"schema_version": True},
        {"source": None},
        {"occurred_at": "yesterday"},
        {"member_id": ""},
        {"channel": "phone"},
        {"currency": "eur"},
        {"lines": []},
        {"lines": {}},
        {"lines": PURCHASE["lines"] * 2},
        line(quantity=0),
        line(quantity=1.0),
        line(quantity="1"),
        line(quantity=True),
        line(amount=-1),
        line(amount=2**53),
        line(sku=""),
        {"device_id": ""},
        {"partner_id": 7},
    ],
    ids=str,
)
def test_a_wrong_field_of_a_purchase_is_a_schema_violation(changed: Plain) -> None:
    story = Story()
    story.send("purchase", at(), **{**PURCHASE, **changed})
    assert dead(story.decide()) == ["schema_violation"]


@pytest.mark.parametrize("missing", ["source", "lines", "channel", "event_id"])
def test_a_missing_field_is_a_schema_violation(missing: str) -> None:
    story = Story()
    event = {**story.envelope("purchase", at()), "account_id": "a", **PURCHASE}
    del event[missing]
    story.send_bytes(json.dumps(event).encode())
    assert dead(story.decide()) == ["schema_violation"]


def test_unknown_fields_are_ignored_and_optional_ones_may_be_null() -> None:
    story = Story()
    lines = [{**PURCHASE["lines"][0], "amount": 2**53 - 1, "colour": 1.5}]
    story.send("purchase", at(), **{**PURCHASE, "lines": lines, "partner_id": None, "device_id": None, "till": []})
    assert told(story.decide())[0] == ("points.earned", 2**53 - 1)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("refund", {"order_id": "o", "lines": []}),
        ("refund", {"order_id": "o", "lines": [{"line_id": "l", "quantity": 0}]}),
        ("cancellation", {}),
        ("adjustment", {"points": 0, "reason": "r", "operator": "o", "qualifying": True}),
        ("adjustment", {"points": 1, "reason": "r", "operator": "o", "qualifying": 1}),
        ("adjustment", {"points": -(2**53), "reason": "r", "operator": "o", "qualifying": True}),
        (
            "redemption.requested",
            {"member_id": "m", "redemption_id": "r", "reward_id": "x", "points": 0, "channel": "web"},
        ),
        ("redemption.committed", {"redemption_id": None}),
        ("redemption.cancelled", {}),
    ],
)
def test_a_wrong_field_of_another_event_is_a_schema_violation(kind: str, fields: Plain) -> None:
    story = Story()
    story.send(kind, at(), **fields)
    assert dead(story.decide()) == ["schema_violation"]


LONG: dict[str, int] = {
    **dict.fromkeys(("event_id", "source", "account_id", "member_id", "order_id", "store_id", "partner_id"), 128),
    **dict.fromkeys(("payment_id", "device_id", "redemption_id", "reward_id", "campaign_id", "operator"), 128),
    "reason": 500,
}
"""How many characters a text field of a transaction may have, but for those of a line."""


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("letter", ["x", "é", "\U0001f600", "\\", "\x01"])
def test_a_text_has_at_most_so_many_characters_whatever_they_take_as_bytes(name: str, letter: str) -> None:
    story = Story()
    kind, fields = next(
        (kind, fields)
        for kind, fields in (
            ("purchase", {**PURCHASE, "store_id": "s", "partner_id": "p", "payment_id": "y", "device_id": "d"}),
            (
                "redemption.requested",
                {
                    "member_id": "m",
                    "redemption_id": "r",
                    "reward_id": "x",
                    "points": 1,
                    "channel": "web",
                    "campaign_id": "c",
                },
            ),
            ("adjustment", {"points": 1, "reason": "r", "operator": "o", "qualifying": True}),
        )
        if name in {**story.envelope(kind, at()), "account_id": "a", **fields}
    )
    for extra in (0, 1):
        text = letter * (LONG[name] + extra)
        story.send(kind, at(), **{"account_id": "a", **fields, name: text})
    story.new_version("partner/p", at(-1), version=1, earn_bp=1, active=True)
    assert [one for one in dead(story.decide()) if one != "unknown_partner"] == ["schema_violation"]


@pytest.mark.parametrize("name", ["line_id", "sku", "category"])
def test_what_a_line_names_has_at_most_64_characters(name: str) -> None:
    for length, expected in ((64, []), (65, ["schema_violation"])):
        story = Story()
        story.send("purchase", at(), **{**PURCHASE, **line(**{name: "x" * length})})
        assert dead(story.decide()) == expected


def test_a_purchase_or_refund_has_at_most_4_000_lines() -> None:
    for number, expected in ((4_000, []), (4_001, ["schema_violation", "schema_violation"])):
        story = Story()
        lines = [{**PURCHASE["lines"][0], "line_id": f"l{at}"} for at in range(number)]
        story.send("purchase", at(), **{**PURCHASE, "lines": lines})
        story.refund(at(), "o", *[(f"l{at}", 1) for at in range(number)])
        assert dead(story.decide()) == expected


def test_a_record_has_at_most_2_mib_key_and_value_together() -> None:
    for length, expected in ((2 * 2**20, []), (2 * 2**20 + 1, ["schema_violation"])):
        story = Story()
        story.adjustment(at(), 1)
        value = story.transactions.pop().value or b""
        story.send_bytes(value + b" " * (length - len(value) - 1))
        assert dead(story.decide()) == expected


def test_a_record_that_is_too_large_and_no_json_is_malformed() -> None:
    story = Story()
    story.send_bytes(b"{" * (2 * 2**20 + 1), b"z")
    story.send_bytes(b"null", b"z" * 2 * 2**20)
    assert dead(story.decide()) == ["malformed_json", "schema_violation"]


@pytest.mark.parametrize("key", [None, b"", b"A", b"a ", b"a" * 2_000])
def test_the_key_is_the_account(key: bytes | None) -> None:
    story = Story()
    story.adjustment(at(), 1)
    value = story.transactions.pop().value
    story.send_bytes(value, key)
    assert dead(story.decide()) == ["key_mismatch"]


def test_an_event_may_be_five_minutes_ahead_of_its_record_and_no_more() -> None:
    story = Story()
    story.adjustment(at(minutes=5), 1)
    story.adjustment(at(minutes=5, ms=1), 1)
    records = [record._replace(timestamp_ms=at()) for record in story.transactions]
    assert dead(decide_all(records, story.reference, 0)) == ["too_early"]


def test_the_first_check_that_fails_names_the_dead_letter() -> None:
    story = Story()
    story.new_version("fraud", at(-9), version=1)
    known = story.adjustment(at(), 1)
    ahead = {**known, "occurred_at": time_text(at(-10, minutes=6))}
    story.send_bytes(json.dumps({**ahead, "points": 0}).encode(), b"b", at(-10))
    story.send_bytes(json.dumps(ahead).encode(), b"b", at(-10))
    story.send_bytes(json.dumps(ahead).encode(), b"a", at(-10))
    story.send_bytes(json.dumps(ahead).encode(), b"a", at(-9))
    story.send_bytes(json.dumps({**ahead, "event_id": "new"}).encode(), b"a", at(-9))
    assert dead(story.decide()) == [
        "schema_violation",
        "key_mismatch",
        "too_early",
        "conflicting_duplicate",
        "no_programme",
    ]


def test_a_dead_letter_carries_the_bytes_as_they_came() -> None:
    story = Story()
    story.send_bytes(b"\xff", None, partition=3)
    assert story.decide().dead_letters == [
        {
            "reason": "malformed_json",
            "topic": "loyalty.transactions",
            "partition": 3,
            "offset": 0,
            "key_base64": None,
            "value_base64": "/w==",
        }
    ]


def test_a_long_key_is_in_the_dead_letter_whole() -> None:
    story = Story()
    story.send_bytes(b"{", b"k" * 3_000)
    assert story.decide().dead_letters[0]["key_base64"] == "a2tr" * 1_000


@pytest.mark.parametrize(
    ("topic", "key", "changed", "reason"),
    [
        ("loyalty.members", b"m", {}, "key_mismatch"),
        ("loyalty.members", b"m:consent", {}, "key_mismatch"),
        ("loyalty.members", b"m:profile", {"joined_at": "2024-01-01"}, "schema_violation"),
        ("loyalty.members", b"m:profile", {"known_devices": [""]}, "schema_violation"),
        ("loyalty.members", b"m:profile", {"known_devices": ["d" * 128] * 1_000}, None),
        ("loyalty.members", b"m:profile", {"known_devices": ["d" * 129]}, "schema_violation"),
        ("loyalty.members", b"m:profile", {"known_devices": ["d"] * 1_001}, "schema_violation"),
        ("loyalty.members", b"m:profile", {"name": "n" * 256, "birth_date": "b" * 128, "home_store": "h" * 128}, None),
        ("loyalty.members", b"m:profile", {"name": "n" * 257}, "schema_violation"),
        ("loyalty.members", b"m:profile", {"birth_date": "b" * 129}, "schema_violation"),
        ("loyalty.members", b"m:profile", {"home_store": "h" * 129}, "schema_violation"),
        ("loyalty.members", b"m:profile", {}, None),
        ("loyalty.fraud-signals", b"m:profile", {}, "schema_violation"),
    ],
)
def test_a_wrong_reference_record_is_a_dead_letter_too(
    topic: str, key: bytes, changed: Plain, reason: str | None
) -> None:
    story = Story()
    event = story.envelope("member.profile", at())
    event.update(account_id="a", member_id="m", joined_at=time_text(at()))
    value = json.dumps({**event, **changed}).encode()
    story.reference.append(Record(topic, 0, 0, at(), key, value))
    story.reference.append(Record(topic, 0, 1, at(), key, b""))
    assert dead(story.decide()) == [one for one in (reason, "malformed_json") if one is not None]


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("earnings", {}),
        ("partner/", {"earn_bp": 1, "active": True}),
        ("earning", {"expiry_days": -1}),
        ("earning", {"pending_days": 1.0}),
        ("earning", {"category_bp": {"c" * 65: 1}}),
        ("tiers", {"levels": [{"tier": "t" * 65, "threshold": 0, "earn_bp": 1}]}),
        ("tiers", {"levels": [{"tier": f"t{at}", "threshold": at, "earn_bp": 1} for at in range(1_001)]}),
        ("fraud", {"velocity": [{"name": "v" * 65, "max_requests": 1, "window_minutes": 1, "outcome": "deny"}]}),
        (f"partner/{'p' * 121}", {"earn_bp": 1, "active": True}),
        ("earning", {"currencies": {"EUR": {"points": 1, "per_minor": 0}}}),
        ("tiers", {"levels": []}),
        ("tiers", {"levels": [{"tier": "t", "threshold": 1, "earn_bp": 1}]}),
        ("redemption", {"negative_balance": "forgive"}),
        ("fraud", {"velocity": [{"name": "v", "max_requests": 1, "window_minutes": 1, "outcome": "approve"}]}),
    ],
)
def test_a_document_that_is_not_of_its_kind_is_a_schema_violation(name: str, changed: Plain) -> None:
    story = Story()
    story.new_version(name, at(), version=9, **changed)
    assert dead(story.decide()) == ["schema_violation"]
