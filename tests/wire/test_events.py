"""The fast reader of transactions takes what the models take, and reads the same."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loyalty.wire.events import read_again, read_transaction
from loyalty.wire.reading import SchemaViolation, WireError
from loyalty.wire.transactions import parse_transaction
from tests.oracle.tries import tried_with
from tests.wire.examples import TRANSACTIONS, wire
from tests.wire.test_reading import MALFORMED

WORDS = ["", " ", "EUR", "eur", "EUR\n", "store", "web", "é", "1"]
TIMES = [
    "2026-02-28T00:00:00.000Z",
    "2026-02-29T00:00:00.000Z",
    "2026-02-28T00:00:00Z",
    "0000-01-01T00:00:00.000Z",
]
LINE = {"line_id": "a", "sku": "s", "category": "c", "quantity": 1, "amount": 0}
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.sampled_from([0, 1, -1, 2**53 - 1, 2**53, 1.0, 10.5, 1e300]),
    st.sampled_from([*WORDS, *TIMES]),
    st.text(max_size=5),
    st.builds(
        lambda letter, size: letter * size, st.sampled_from("xé😀"), st.sampled_from([64, 65, 128, 129, 500, 501])
    ),
    st.lists(st.integers(0, 2), max_size=2),
    st.sampled_from([{}, [LINE], [LINE, LINE], [{"line_id": "a", "quantity": 1}] * 2]),
    st.sampled_from([[{**LINE, field: "x" * size}] for field in ("line_id", "sku", "category") for size in (64, 65)]),
)
FIELDS = sorted({name for example in TRANSACTIONS.values() for name in example} | {"unknown"})


def read(value: bytes | None, reader: Any) -> Any:
    """The fields that a reader found, or how it refused."""
    try:
        event = reader(value)
    except WireError as error:
        return type(error), str(error)
    if isinstance(event, msgspec.Struct):
        return msgspec.to_builtins(event)
    return event.model_dump()


def assert_read_alike(value: bytes | None) -> None:
    first = read(value, read_transaction)
    assert first == read(value, parse_transaction)
    if value is not None and isinstance(first, dict):
        # At hand from the first reading, and then no more.
        assert read(value, read_again) == first
        assert read(value, read_again) == first


@pytest.mark.parametrize("kind", TRANSACTIONS)
def test_every_kind_of_event_is_read_alike(kind: str) -> None:
    assert isinstance(read(wire(TRANSACTIONS[kind]), read_transaction), dict)
    assert_read_alike(wire(TRANSACTIONS[kind]))


@pytest.mark.parametrize("why", MALFORMED)
def test_what_is_no_json_is_refused_in_the_same_words(why: str) -> None:
    assert_read_alike(MALFORMED[why])


@tried_with(2_000)
@given(
    st.sampled_from(sorted(TRANSACTIONS)),
    st.dictionaries(st.sampled_from(FIELDS), ODD, max_size=2),
    st.sets(st.sampled_from(FIELDS), max_size=1),
    st.booleans(),
)
@example("adjustment", {"points": 0}, set(), True)
@example("purchase", {"currency": "EUR\n"}, set(), True)
def test_fields_of_any_content_are_read_alike(
    kind: str, changed: dict[str, Any], left_out: set[str], ascii_: bool
) -> None:
    content = {name: value for name, value in {**TRANSACTIONS[kind], **changed}.items() if name not in left_out}
    try:
        value = json.dumps(content, ensure_ascii=ascii_).encode()
    except UnicodeEncodeError:  # half a surrogate pair
        value = json.dumps(content).encode()
    assert_read_alike(value)


@tried_with(2_000)
@given(st.sampled_from(sorted(TRANSACTIONS)), st.integers(0, 400), st.binary(max_size=3), st.integers(0, 3))
def test_bytes_that_are_changed_anywhere_are_read_alike(kind: str, at: int, new: bytes, gone: int) -> None:
    value = wire(TRANSACTIONS[kind])
    assert_read_alike(value[:at] + new + value[at + gone :])


@pytest.mark.parametrize("kind", TRANSACTIONS)
def test_an_event_that_was_taken_before_texts_had_limits_is_read_again(kind: str) -> None:
    """It is in the state of an earlier release."""
    long = {**TRANSACTIONS[kind], "source": "x" * 200, "event_id": "é" * 200, "member_id": None, "unknown": [1e300]}
    if "member_id" in TRANSACTIONS[kind]:
        long["member_id"] = "m" * 200
    if "lines" in long:
        long["lines"] = [{**line, "line_id": f"{number}" * 100} for number, line in enumerate(long["lines"], 1)]
    with pytest.raises(SchemaViolation):
        read_transaction(wire(long))
    again = read(wire(long), read_again)
    expected = msgspec.to_builtins(read_transaction(wire(TRANSACTIONS[kind])))
    changed = {name: long[name] for name in ("source", "event_id", "member_id", "lines") if name in expected}
    assert again == {**expected, **changed}
