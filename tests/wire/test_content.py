"""Two values say the same if and only if they are equal as parsed JSON, every number taken exactly."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.wire.content import content_digest
from tests.oracle.tries import tried_with
from tests.wire.examples import PURCHASE, TRANSACTIONS, wire

FROZEN = {
    "purchase": "d093490022e02b230060526f",
    "refund": "4722cead38182f1c40e8f04b",
    "cancellation": "49246f01ed087b6b47f60a98",
    "adjustment": "931b8d7e0f1afac718d6e153",
    "redemption.requested": "5610a5d5b4b5b8d8d64ad147",
    "redemption.committed": "8f1fbcfc3d1ac2a2c685189c",
    "redemption.cancelled": "269094aa839dfa6c66c7f473",
}
FROZEN_NUMBERS = {
    "0": "99d8a9d34dbcf17f692d9b44",
    "-0": "99d8a9d34dbcf17f692d9b44",
    "-0.0": "99d8a9d34dbcf17f692d9b44",
    "1.0": "abd04f5426c58fe48d04555e",
    "1e2": "e3765798aca044bbf46be160",
    "0.1": "61c4eb0702e99172b6feb462",
    "1.5": "92411757f4e9edbfbba54541",
    "-2.25": "0fa333d484519199ecf6556f",
    "0.30000000000000004": "0b6fa3145f478268afda8136",
    "1e-7": "46b9ae5268048e6f2bd151f6",
    "5e-324": "1272924c09740000dd8494cd",
    "123456789.123456": "70a2e86bd902c1e9df757c8c",
    "9007199254740993": "3ce249ed29e2186f9599a6f4",
    "18446744073709551615": "1dfe91d4759340634f684d97",
    "-9223372036854775808": "4252987d2760563bb10a15d0",
    "18446744073709551616": "1511c4f7eaebac300ca76da6",
    "12345678901234567890123456789012345678901": "7bcb1fd317d4048081518966",
    "1e20": "1624f8f7e03c89960c69366d",
    '[1,2.50,"x"]': "c5d7afe828381cbb4bc2d405",
}


@pytest.mark.parametrize("kind", FROZEN)
def test_events_that_were_used_before_an_upgrade_are_known_after_it(kind: str) -> None:
    """The digests of the last release: savepoints hold them for 35 days."""
    assert content_digest(wire(TRANSACTIONS[kind])).hex() == FROZEN[kind]


@pytest.mark.parametrize("number", FROZEN_NUMBERS)
def test_numbers_that_were_used_before_an_upgrade_are_known_after_it(number: str) -> None:
    assert content_digest(f'{{"a":{number}}}'.encode()).hex() == FROZEN_NUMBERS[number]


def same(one: str, other: str) -> bool:
    return content_digest(one.encode()) == content_digest(other.encode())


NINES = "9" * 5000


@pytest.mark.parametrize(
    "texts",
    [
        ("1", "1.0", "10e-1", "0.1e1", "1E+0", "1.000000000000000000000000", "0.00000000000000000000001e23"),
        ("0", "-0", "0.0", "-0.0", "0e5", "0e999999", f"0e{NINES}", f"-0.000e-{NINES}"),
        ("0.1", "0.10", "1e-1", f"0.1{'0' * 5000}"),
        ("100", "1e2", "1E2", "1e+2", "1e0002"),
        ("1e23", f"1{'0' * 23}", "0.1e24", f"1{'0' * 23}.0"),
        ("1e100", f"1{'0' * 100}", f"1{'0' * 5000}e-4900"),
        ("1.7976931348623157e308", "17976931348623157e292"),
        ("1e400", "10e399", f"1{'0' * 400}"),
        ("1e-400", "0.1e-399"),
        (f"1e{NINES}", f"10e{NINES[:-1]}8", f"0.1e1{'0' * 5000}"),
        (f"1e-{NINES}", f"0.1e-{NINES[:-1]}8", f"10e-1{'0' * 5000}"),
        ("1e999999999999999999", "0.1e1000000000000000000"),
        (f"1e{'9' * 1_000_001}", f"0.1e1{'0' * 1_000_001}"),
    ],
)
def test_a_number_may_be_written_in_many_ways(texts: tuple[str, ...]) -> None:
    for text in texts[1:]:
        for within in ("{}", '{{"unknown":[{}]}}', '{{"unknown":{},"wide":99999999999999999999}}'):
            assert same(within.format(texts[0]), within.format(text)), text[:40]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1e400", "null"),
        ("1e400", "1e401"),
        ("1e400", "-1e400"),
        ("1e400", '"1e400"'),
        ("1e-400", "0"),
        (NINES, f"{NINES[:-1]}8"),
        (f"0.{NINES}", f"0.{NINES[:-1]}8"),
        (f"1e{NINES}", f"1e{NINES[:-1]}8"),
        (f"1e{NINES}", f"1e-{NINES}"),
        ("0.1", "0.10000000000000001"),
        ("0.1", "0.1000000000000000055511151231257827021181583404541015625"),
        ("1e23", "99999999999999991611392"),
        ("9007199254740993.0", "9007199254740992.0"),
        ("18446744073709551615", "18446744073709551616"),
        ("1", "true"),
        ("1", '"1"'),
        ("[1,2]", "[12]"),
        ("[1.5,2]", "[2,1.5]"),
    ],
)
def test_other_content_is_other_content(one: str, other: str) -> None:
    assert not same(one, other)
    assert not same(f'{{"unknown":{one}}}', f'{{"unknown":{other}}}')


def test_order_of_keys_white_space_and_escapes_make_no_difference() -> None:
    again = json.dumps(dict(reversed(PURCHASE.items())), indent=3).encode()
    assert content_digest(again) == content_digest(wire(PURCHASE))
    for wide in ("1", "99999999999999999999"):
        assert same(f'{{"é":"\\u00e9/","b":{wide},"b":{wide}}}', f'{{"b":{wide},"\\u00e9":"é\\/"}}')
    assert not same('{"a":1,"a":2}', '{"a":2,"a":1}')


def exactly(text: str) -> Fraction:
    return Fraction(text)


DIGITS = st.text("0159", min_size=1, max_size=22)
NUMBERS = st.builds(
    lambda sign, whole, fraction, exponent: (
        sign + (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "") + exponent
    ),
    st.sampled_from(["", "-"]),
    DIGITS,
    st.none() | DIGITS,
    st.sampled_from(["", "e0", "E-1", "e+1", "e-20", "e20", "e-330", "e300"]),
)


@tried_with(1_000)
@given(NUMBERS, NUMBERS)
def test_two_numbers_are_the_same_if_they_have_the_same_value(one: str, other: str) -> None:
    assert same(one, other) == (exactly(one) == exactly(other))


@tried_with(300)
@given(NUMBERS, st.integers(0, 30))
def test_a_number_is_what_it_was_when_its_point_has_moved(text: str, places: int) -> None:
    value = exactly(text) * 10**places
    moved = f"{text}{'' if 'e' in text.lower() else 'e0'}"
    mantissa, _, exponent = moved.lower().partition("e")
    assert same(text, f"{mantissa}e{int(exponent)}")
    assert same(f"{mantissa}e{int(exponent) + places}", text) == (value == exactly(text))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_reads_back_as_itself(number: float) -> None:
    text = repr(number)
    assert same(text, text.upper())
    assert same(f"[{text}]", json.dumps([number], indent=2))


@tried_with(200)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**25), 10**25) | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
        max_leaves=6,
    ),
    st.integers(0, 10**25),
)
def test_what_reads_as_the_same_has_one_digest_however_wide_its_numbers_are(content: Any, wide: int) -> None:
    escaped = json.dumps([content, wide]).encode()
    assert content_digest(escaped) == content_digest(json.dumps([content, wide], ensure_ascii=False, indent=1).encode())
    assert content_digest(escaped) != content_digest(json.dumps([content, wide + 1]).encode())
