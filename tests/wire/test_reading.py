"""What is JSON, what is a violation, and how each is said."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.wire.reading import MalformedJson, SchemaViolation, parse_json
from loyalty.wire.transactions import Purchase, Refund, Transaction, parse_transaction
from tests.wire.examples import ADJUSTMENT, PURCHASE, REFUND, wire

PURCHASE_BYTES = wire(PURCHASE)


def with_extra(json_text: bytes) -> bytes:
    """The purchase with an unknown field of this content."""
    return PURCHASE_BYTES[:-1] + b', "unknown": ' + json_text + b"}"


def nested(levels: int, innermost: bytes = b"1") -> bytes:
    return b"[" * levels + innermost + b"]" * levels


MALFORMED = {
    "no value": None,
    "empty": b"",
    "blank": b"  ",
    "truncated": PURCHASE_BYTES[:-1],
    "trailing comma": PURCHASE_BYTES[:-1] + b",}",
    "trailing text": PURCHASE_BYTES + b" x",
    "two values": PURCHASE_BYTES + PURCHASE_BYTES,
    "a NUL behind it": PURCHASE_BYTES + b"\0",
    "byte order mark": b"\xef\xbb\xbf" + PURCHASE_BYTES,
    "UTF-16": PURCHASE_BYTES.decode().encode("utf-16"),
    "invalid UTF-8 in a known field": PURCHASE_BYTES.replace(b"store-3", b"store\xff"),
    "invalid UTF-8 in an unknown field": with_extra(b'"\xc3"'),
    "a surrogate in UTF-8": with_extra(b'"\xed\xa0\x80"'),
    "a lone surrogate": with_extra(b'"\\ud800 "'),
    "a raw control character": with_extra(b'"\n"'),
    "NaN in an unknown field": with_extra(b"NaN"),
    "Infinity in an unknown field": with_extra(b"Infinity"),
    "minus Infinity, deep inside": with_extra(b'[{"a": -Infinity}]'),
    "NaN in a known field": PURCHASE_BYTES.replace(b"1298", b"NaN"),
    "NaN alone": b"NaN",
    "leading zero": with_extra(b"01"),
    "many leading zeros": with_extra(b"0" * 5000),
    "a plus": with_extra(b"+1"),
    "half a fraction": with_extra(b"1."),
    "single quotes": b"{'type': 'purchase'}",
    "a comment": PURCHASE_BYTES + b"// x",
    "201 levels": with_extra(nested(200)),
    "201 levels, the last one empty": with_extra(nested(199, b"[]")),
    "201 levels of objects": with_extra(b'{"a": ' * 199 + b"{}" + b"}" * 199),
    "100 000 levels": nested(100_000),
    "100 000 openings": b"[" * 100_000,
}


@pytest.mark.parametrize("value", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_not_json_is_malformed(value: bytes | None) -> None:
    with pytest.raises(MalformedJson) as refused:
        parse_transaction(value)
    assert refused.value.reason == "malformed_json"
    assert str(refused.value).endswith(".")
    assert len(str(refused.value)) < 200
    with pytest.raises(MalformedJson):
        parse_json(value)


WELL_FORMED = {
    "white space around": b" \r\n\t" + PURCHASE_BYTES + b" \n",
    "200 levels": with_extra(nested(199)),
    "200 levels, the last one empty": with_extra(nested(198, b"[]")),
    "5 000 arrays side by side": with_extra(b"[" + b"[]," * 5000 + b"[]]"),
    "brackets in a string": with_extra(b'"' + b"[{" * 5000 + b'"'),
    "a float": with_extra(b"1.5e3"),
    "a float out of range": with_extra(b"1e400"),
    "an integer of 5 000 digits": with_extra(b"-" + b"7" * 5000),
    "an exponent of 5 000 digits": with_extra(b"1e" + b"7" * 5000),
    "5 000 digits in a string": with_extra(b'"' + b"7" * 5000 + b'"'),
    "NaN in a string": with_extra(b'"NaN Infinity"'),
    "an escaped pair": with_extra(b'"\\ud83d\\ude00"'),
    "an escaped NUL": with_extra(b'"\\u0000"'),
}


@pytest.mark.parametrize("value", WELL_FORMED.values(), ids=WELL_FORMED.keys())
def test_unknown_fields_may_hold_any_json(value: bytes) -> None:
    assert parse_transaction(value) == parse_transaction(PURCHASE_BYTES)
    parse_json(value)


def test_of_equal_keys_the_last_one_counts() -> None:
    again = PURCHASE_BYTES[:-1] + b', "account_id": 5, "account_id": "account-2"}'
    purchase = parse_transaction(again)
    assert purchase.account_id == "account-2"
    assert parse_json(again) == {**PURCHASE, "account_id": "account-2"}
    assert isinstance(parse_transaction(wire(REFUND)[:-1] + b', "type": "purchase", "type": "refund"}'), Refund)


VIOLATIONS: dict[str, tuple[bytes, str]] = {
    "an array": (b"[1]", "The value should be an object, not an array."),
    "a null": (b"null", "The value should be an object, not null."),
    "a number": (b"7", "The value should be an object, not 7."),
    "a long number": (b"7" * 5000, "The value should be an object, not a number of more than 60 digits."),
    "no type": (b"{}", "The field type is missing."),
    "a fraction": (
        wire(ADJUSTMENT, points=10.0),
        "The field points should be a valid integer, not 10.0.",
    ),
    "an exponent": (
        wire(ADJUSTMENT).replace(b"-250", b"1e2"),
        "The field points should be a valid integer, not 100.0.",
    ),
    "an exponent out of range": (
        wire(ADJUSTMENT).replace(b"-250", b"1e400"),
        "The field points should be a valid integer, not inf.",
    ),
    "a number in a string": (
        wire(ADJUSTMENT, points="10"),
        "The field points should be a valid integer, not '10'.",
    ),
    "true for a number": (
        wire(ADJUSTMENT, points=True),
        "The field points should be a valid integer, not true.",
    ),
    "1 for true": (wire(ADJUSTMENT, qualifying=1), "The field qualifying should be a valid boolean, not 1."),
    "zero points": (wire(ADJUSTMENT, points=0), "The field points should be a number other than 0, not 0."),
    "too large": (
        wire(ADJUSTMENT, points=2**53),
        "The field points should be less than or equal to 9007199254740991, not 9007199254740992.",
    ),
    "too small": (
        wire(ADJUSTMENT, points=-(2**53)),
        "The field points should be greater than or equal to -9007199254740991, not -9007199254740992.",
    ),
    "5 000 digits": (
        wire(ADJUSTMENT).replace(b"-250", b"7" * 5000),
        "The field points should be less than or equal to 9007199254740991, not a number of more than 60 digits.",
    ),
    "another version": (
        wire(PURCHASE, schema_version=2),
        "The field schema_version should be less than or equal to 1, not 2.",
    ),
    "true for the version": (
        wire(PURCHASE, schema_version=True),
        "The field schema_version should be a valid integer, not true.",
    ),
    "1.0 for the version": (
        wire(PURCHASE, schema_version=1.0),
        "The field schema_version should be a valid integer, not 1.0.",
    ),
    "an empty string": (wire(PURCHASE, account_id=""), "The field account_id should not be empty."),
    "an empty optional string": (wire(PURCHASE, store_id=""), "The field store_id should not be empty."),
    "null for a string": (wire(PURCHASE, member_id=None), "The field member_id should be a valid string, not null."),
    "an object for a string": (wire(PURCHASE, source={}), "The field source should be a valid string, not an object."),
    "no lines": (wire(PURCHASE, lines=[]), "The field lines should have at least one entry."),
    "null lines": (wire(PURCHASE, lines=None), "The field lines should be a valid array, not null."),
    "a line that is none": (wire(PURCHASE, lines=[7]), "The field lines[0] should be an object, not 7."),
    "a line_id twice": (
        wire(PURCHASE, lines=[PURCHASE["lines"][0]] * 2),
        "The field lines should name each line_id once.",
    ),
    "a line without units": (
        wire(PURCHASE, lines=[PURCHASE["lines"][0], {**PURCHASE["lines"][1], "quantity": 0}]),
        "The field lines[1].quantity should be greater than or equal to 1, not 0.",
    ),
    "a negative amount": (
        wire(PURCHASE, lines=[{**PURCHASE["lines"][0], "amount": -1}]),
        "The field lines[0].amount should be greater than or equal to 0, not -1.",
    ),
    "another channel": (
        wire(PURCHASE, channel="fax"),
        "The field channel should be 'store', 'web', 'app' or 'partner', not 'fax'.",
    ),
    "a currency in words": (
        wire(PURCHASE, currency="euro"),
        "The field currency should be like ^[A-Z]{3}$, not 'euro'.",
    ),
    "another type": (
        wire(PURCHASE, type="sale"),
        (
            "The field type should be one of 'purchase', 'refund', 'cancellation', 'adjustment', "
            "'redemption.requested', 'redemption.committed', 'redemption.cancelled', not 'sale'."
        ),
    ),
    "a date for a time": (
        wire(PURCHASE, occurred_at="2026-11-23"),
        "The field occurred_at should be a UTC time like 2026-11-23T10:15:00.000Z, not '2026-11-23'.",
    ),
    "a number for a time": (
        wire(PURCHASE, occurred_at=1795428900000),
        "The field occurred_at should be a valid string, not 1795428900000.",
    ),
}


@pytest.mark.parametrize(("value", "sentence"), VIOLATIONS.values(), ids=VIOLATIONS.keys())
def test_a_violation_is_said_in_a_sentence(value: bytes, sentence: str) -> None:
    with pytest.raises(SchemaViolation) as refused:
        parse_transaction(value)
    assert refused.value.reason == "schema_violation"
    assert str(refused.value) == sentence


def test_malformed_counts_before_a_violation() -> None:
    for value in (b'{"type": NaN}', nested(201), b'{"type": "purchase", "x": ' + nested(199, b"[]") + b"}"):
        with pytest.raises(MalformedJson):
            parse_transaction(value)


def test_a_megabyte_of_nonsense_is_refused_in_a_short_sentence() -> None:
    with pytest.raises(SchemaViolation) as refused:
        parse_transaction(wire(PURCHASE, channel="x" * 1_000_000))
    assert len(str(refused.value)) < 200


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(ANY_JSON)
def test_any_json_reads_as_what_it_says(content: Any) -> None:
    assert parse_json(json.dumps(content).encode()) == content


@given(st.sampled_from(sorted(PURCHASE)), ANY_JSON)
def test_a_purchase_with_anything_in_one_field_reads_or_is_refused(field: str, content: Any) -> None:
    try:
        read: Transaction = parse_transaction(wire(PURCHASE, **{field: content}))
    except SchemaViolation:
        return
    assert isinstance(read, Purchase)


@given(st.binary(max_size=60))
def test_any_bytes_read_or_are_refused(value: bytes) -> None:
    with pytest.raises((MalformedJson, SchemaViolation)):
        parse_transaction(value)
