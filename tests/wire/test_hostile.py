"""Records made to be expensive: whoever reads one needs time in proportion to its size, whatever is wrong with it.

A reader that is quadratic takes hours for the 2 MiB that a record may have. Bounded here is the growth, not the time.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Collection
from typing import Any

import pytest

from loyalty import validation
from loyalty.offers import validation as offers_validation
from loyalty.offers.validation import INPUTS, EngagementValidator
from loyalty.records import Record
from loyalty.state.codec import DictEntries
from loyalty.times import parse_time
from loyalty.validation import Validator
from loyalty.wire import context, decisions, engagements, fraud, members, program, transactions
from loyalty.wire.events import read_again
from loyalty.wire.fields import RECORD_BYTES_MAX
from loyalty.wire.json import to_json
from tests.wire import examples
from tests.wire.examples import document, wire
from udfs.functions import FUNCTIONS

SIZES = (8 * 1024, 32 * 1024)
LARGEST = RECORD_BYTES_MAX - 1024
"""What is larger is not read."""
GROWTH = 1.6
"""The time may grow with this power of the size. What is linear has 1, and more once memory is in no cache;
what is quadratic has 2."""
NOISE_S = 0.005
REPEATS = 3
ATTEMPTS = 3

SENT_AT = parse_time("2026-11-23T10:15:00.000Z")
RECORDS: dict[str, tuple[dict[str, Any], bytes]] = {
    transactions.TOPIC: (examples.PURCHASE, b"account-1"),
    engagements.TOPIC: (examples.ENGAGEMENT, b"member-1"),
    members.TOPIC: (examples.PROFILE, b"member-1:profile"),
    fraud.TOPIC: (examples.SIGNAL, b"account-1"),
    context.TOPIC: (examples.CONTEXT, b"account-1"),
    program.TOPIC: (document("tiers"), b"tiers@1"),
    decisions.TOPIC: (examples.DECISION, b"account-1"),
}


def fill(size: int, piece: str) -> str:
    """About so many bytes of a piece again and again; `#` in it is a number that is never the same."""
    if "#" not in piece:
        return piece * (size // len(piece.encode()))
    return "".join(piece.replace("#", str(at)) for at in range(size // (len(piece) + 4)))


def quoted(text: str) -> str:
    return f'"{text}"'


def array(size: int, *entries: str) -> str:
    """Of all but the last entry once, then of the last again and again."""
    *first, last = entries
    return f"[{''.join(entry + ',' for entry in first)}{fill(size, last + ',')[:-1]}]"


def fields(size: int, field: str) -> str:
    return "{" + fill(size, field + ",")[:-1] + "}"


Make = Callable[[int], str]

LONG = "7" * 5000
"""More digits than a parser takes (Python and jiter stop at 4300)."""

UNKNOWN: dict[str, Make] = {
    "a long text": lambda size: quoted("x" * size),
    "escaped quotes": lambda size: quoted(fill(size, r"\"x\":1,")),
    "escaped backslashes": lambda size: quoted(fill(size, r"\\")),
    "letters of two bytes": lambda size: quoted(fill(size, "é")),
    "surrogate pairs": lambda size: quoted(fill(size, r"\ud83d\ude00")),
    "half a pair behind a long text": lambda size: quoted(fill(size, r"\u00e9") + r"\ud800"),
    "many halves of pairs": lambda size: quoted(fill(size, r"\ud800 ")),
    "a raw control character behind a long text": lambda size: quoted("x" * size + "\n"),
    "brackets in a text": lambda size: quoted(fill(size, "[{")),
    "NaN in a text": lambda size: quoted(fill(size, "NaN Infinity ")),
    "texts that are NaN": lambda size: array(size, '"NaN"'),
    "NaN": lambda size: array(size, "NaN"),
    "NaN behind much else": lambda size: f"[{array(size, '0')},NaN]",
    "minus Infinity": lambda size: array(size, "-Infinity"),
    "look-alikes of NaN": lambda size: array(size, "Nan"),
    "a number": lambda size: "7" * size,
    "a number below zero": lambda size: "-" + "7" * size,
    "a fraction": lambda size: "0." + "7" * size,
    "an exponent": lambda size: "1e" + "7" * size,
    "a negative exponent": lambda size: "1e-" + "7" * size,
    "leading zeros": lambda size: "0" * size,
    "numbers of 19 digits": lambda size: array(size, "7" * 19),
    "numbers of 40 digits": lambda size: array(size, "7" * 40),
    "numbers of 3 999 digits": lambda size: array(size, "7" * 3999),
    "numbers of 4 300 digits": lambda size: array(size, "7" * 4300),
    "numbers of 4 301 digits": lambda size: array(size, "7" * 4301),
    "fractions of 5 000 digits": lambda size: array(size, f"0.{LONG}"),
    "powers of ten": lambda size: array(size, "1e79"),
    "powers of ten beyond a float": lambda size: array(size, "1e999"),
    "fractions": lambda size: array(size, "0.1"),
    "fractions beyond a float": lambda size: array(size, "0.12345678901234567890"),
    "a long number and escaped quotes": lambda size: array(size, LONG, r'"\""'),
    "a long number and digits in texts": lambda size: array(size, LONG, '"7777777"'),
    "a long number and numbers of 3 999 digits": lambda size: array(size, LONG, "7" * 3999),
    "nested arrays": lambda size: "[" * (size // 2) + "]" * (size // 2),
    "nested objects": lambda size: '{"a":' * (size // 6) + "0" + "}" * (size // 6),
    "arrays of 198 levels": lambda size: array(size, "[" * 196 + "]" * 196),
    "arrays of 201 levels": lambda size: array(size, "[" * 201 + "]" * 201),
    "empty arrays": lambda size: array(size, "[]"),
    "empty objects": lambda size: array(size, "{}"),
    "numbers": lambda size: array(size, "1"),
    "keys": lambda size: fields(size, '"#":0'),
    "equal keys": lambda size: fields(size, '"a":0'),
    "escaped keys": lambda size: fields(size, r'"\u0061\"":0'),
    "long keys": lambda size: "{" + quoted("x" * (size // 2)) + ":0," + quoted("x" * (size // 2)) + ":1}",
    "white space": lambda size: "[" + " " * size + "]",
}
"""What an unknown field may hold; some of it is no JSON."""

RAW: dict[str, Make] = {
    "a text cut off behind escaped quotes": lambda size: '{"raw":"' + fill(size, r"\"x\":1,"),
    "a text cut off behind escaped backslashes": lambda size: '{"raw":"' + fill(size, r"\\"),
    "a text cut off behind a backslash": lambda size: '{"raw":"' + fill(size, r"\"") + "\\",
    "a text cut off behind a long number": lambda size: f'[{LONG},"' + fill(size, r"\"x\":1,"),
    "an escape cut off behind a long number": lambda size: f'[{LONG},"' + fill(size, r"\"") + "\\",
    "numbers cut off behind a long number": lambda size: f"[{LONG}," + fill(size, "7" * 3999 + ","),
    "rubbish behind a long number": lambda size: f"[{LONG}," + fill(size, r"\""),
    "a text cut off": lambda size: '{"raw":"' + "x" * size,
    "an array cut off": lambda size: "[" + fill(size, '"",'),
    "quotes": lambda size: '"' * size,
    "a text and quotes": lambda size: '"' + fill(size, r'"\"'),
    "openings": lambda size: "[" * size,
    "openings of objects": lambda size: fill(size, '{"a":'),
    "openings of both": lambda size: fill(size, '[{"a":'),
    "closings": lambda size: "]" * size,
    "a number alone": lambda size: "7" * size,
    "a zero and digits": lambda size: "0" * size,
    "digits and rubbish": lambda size: "7" * size + "x",
    "backslashes": lambda size: "\\" * size,
    "commas": lambda size: "," * size,
    "white space alone": lambda size: " " * size,
    "NULs": lambda size: "\0" * size,
    "slashes": lambda size: "/" * size,
    "texts one behind the other": lambda size: fill(size, '""'),
}
"""What is no record at all."""

PURCHASE = wire(examples.PURCHASE).decode()
LINE = '"sku":"s","category":"c","quantity":1,"amount":1}'
TIMED = '"2026-11-23T10:00:00.000Z"'


def with_fields(example: dict[str, Any], **texts: str) -> str:
    """The example with some fields' JSON text replaced or added."""
    written = {name: json.dumps(value) for name, value in example.items()} | texts
    return "{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in written.items()) + "}"


def lines(texts: str) -> str:
    return with_fields(examples.PURCHASE, lines=texts)


def points(text: str) -> str:
    return with_fields(examples.ADJUSTMENT, points=text)


def body(name: str, **texts: str) -> str:
    return with_fields(document(name), body=with_fields(examples.BODIES[name], **texts))


KNOWN: dict[str, Make] = {
    "lines": lambda size: lines(array(size, '{"line_id":"#",' + LINE)),
    "lines of one id": lambda size: lines(array(size, '{"line_id":"a",' + LINE)),
    "lines that are empty": lambda size: lines(array(size, "{}")),
    "lines that are numbers": lambda size: lines(array(size, "1")),
    "lines with much that is unknown": lambda size: lines(array(size, '{"line_id":1,"more":' + array(99, "0") + "}")),
    "lines to refund": lambda size: with_fields(examples.REFUND, lines=array(size, '{"line_id":"a","quantity":1}')),
    "a long id": lambda size: with_fields(examples.PURCHASE, event_id=quoted(fill(size, "é"))),
    "a long id of escapes": lambda size: with_fields(examples.PURCHASE, account_id=quoted(fill(size, r"\u0000"))),
    "a long type": lambda size: with_fields(examples.PURCHASE, type=quoted(fill(size, "é"))),
    "a long time": lambda size: with_fields(examples.PURCHASE, occurred_at=quoted("2026-11-23T" + "1" * size)),
    "a long currency": lambda size: with_fields(examples.PURCHASE, currency=quoted("E" * size)),
    "many digits of points": lambda size: points("7" * size),
    "many decimals of points": lambda size: points("7." + "0" * size),
    "a long exponent of points": lambda size: points("7e" + "7" * size),
    "a wrong id again and again": lambda size: "{" + fill(size, '"account_id":1,') + PURCHASE[1:],
    "a right id again and again": lambda size: "{" + fill(size, '"account_id":"a",') + PURCHASE[1:],
    "a type again and again": lambda size: "{" + fill(size, '"type":"refund",') + PURCHASE[1:],
    "all missing but much": lambda size: '{"type":"purchase","more":' + quoted("x" * size) + "}",
    "known devices": lambda size: with_fields(examples.PROFILE, known_devices=array(size, '"#"')),
    "known devices that are none": lambda size: with_fields(examples.PROFILE, known_devices=array(size, "1")),
    "devices": lambda size: with_fields(examples.CONTEXT, devices=fields(size, f'"#":{TIMED}')),
    "devices seen at no time": lambda size: with_fields(examples.CONTEXT, devices=fields(size, '"#":"x"')),
    "tiers": lambda size: body("tiers", levels=array(size, '{"tier":"#","threshold":#,"earn_bp":1}')),
    "tiers of one name": lambda size: body("tiers", levels=array(size, '{"tier":"a","threshold":#,"earn_bp":1}')),
    "categories": lambda size: body("earning", category_bp=fields(size, '"#":1')),
    "categories without a rate": lambda size: body("earning", category_bp=fields(size, '"#":""')),
    "currencies that are none": lambda size: body("earning", currencies=fields(size, '"#":{}')),
    "triggers": lambda size: body("campaign/spring", triggers=array(size, '"click"')),
    "a document of a long name": lambda size: with_fields(document("tiers"), document=quoted("campaign/" + "x" * size)),
    "reasons": lambda size: with_fields(examples.DECISION, reasons=array(size, '{"code":"refund","detail":"x"}')),
    "reasons of no code": lambda size: with_fields(examples.DECISION, reasons=array(size, '{"code":"#","detail":""}')),
    "rules": lambda size: with_fields(examples.DECISION, rules=fields(size, '"campaign/#":1')),
    "an offer of many rules": lambda size: with_fields(
        examples.DECISION,
        stream='"offers"',
        rules=fields(size, '"campaign/#":1'),
        evidence='{"offer":{"bonus_points":1}}',
    ),
}
"""What is too much, or wrong, in the fields that a reader looks at."""


def unknown(make: Make) -> Callable[[int], list[tuple[str, bytes]]]:
    return lambda size: [
        (topic, with_fields(example, unknown=make(size)).encode("utf-8", "surrogatepass"))
        for topic, (example, _) in RECORDS.items()
    ]


def everywhere(make: Make) -> Callable[[int], list[tuple[str, bytes]]]:
    return lambda size: [(topic, make(size).encode()) for topic in RECORDS]


KINDS: dict[str, Callable[[int], list[tuple[str, bytes]]]] = {
    **{f"unknown: {kind}": unknown(make) for kind, make in UNKNOWN.items()},
    **{f"raw: {kind}": everywhere(make) for kind, make in {**RAW, **KNOWN}.items()},
    "raw: bytes that are not UTF-8": lambda size: [(topic, b"\xc3" * size) for topic in RECORDS],
    "raw: a byte that is not UTF-8 behind a long text": lambda size: [
        (topic, b'"' + b"x" * size + b'\xff"') for topic in RECORDS
    ],
}


def read_everywhere(topic: str, value: bytes) -> None:
    """All that becomes of a record when it is read: by both jobs, to the dead letter if it is one."""
    record = Record(topic, 0, 0, SENT_AT, RECORDS[topic][1], value)
    if topic != engagements.TOPIC:
        passed = Validator(0, {}).take(DictEntries(), record)
        if isinstance(passed, validation.DeadLetter):
            to_json(passed.content)
        elif topic == transactions.TOPIC:
            read_again(value)
    if topic in INPUTS:
        found = EngagementValidator().take(DictEntries(), record)
        if isinstance(found, offers_validation.DeadLetter):
            to_json(found.content)


def seconds(read: Callable[[], object], repeats: int = REPEATS) -> float:
    """The CPU that it takes."""
    times = []
    for _ in range(repeats):
        begun = time.thread_time()
        read()
        times.append(time.thread_time() - begun)
    return statistics.median(times)


def assert_in_proportion(make: Callable[[int], Callable[[], object]], sizes: tuple[int, ...] = SIZES) -> None:
    """From the smallest size on, so that what is quadratic is found before it takes hours."""
    size, *larger = sizes
    before = seconds(make(size))
    for next_size in larger:
        read, at_most = make(next_size), before * (next_size / size) ** GROWTH + NOISE_S
        now = seconds(read, 1)
        for _ in range(ATTEMPTS):
            if now > at_most:  # a busy machine, or growth: then it stays
                now = min(now, seconds(read, 1))
        assert now <= at_most, f"{before:.4f} s for {size} bytes, {now:.4f} s for {next_size}"
        size, before = next_size, now


def reading(kind: str, topics: Collection[str]) -> Callable[[int], Callable[[], None]]:
    def make(size: int) -> Callable[[], None]:
        records = [(topic, value) for topic, value in KINDS[kind](size) if topic in topics]

        def read() -> None:
            for topic, value in records:
                read_everywhere(topic, value)

        return read

    return make


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_takes_time_in_proportion_to_its_size(kind: str) -> None:
    assert_in_proportion(reading(kind, RECORDS))


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_the_largest_record_takes_no_more_for_each_of_its_bytes(kind: str) -> None:
    assert_in_proportion(reading(kind, [transactions.TOPIC]), (SIZES[-1], LARGEST))


UNTIL = "2026-11-23T10:00:00.000Z"
TEXTS: dict[str, Make] = {
    "a long text": lambda size: "x" * size,
    "digits": lambda size: "7" * size,
    "a day and digits": lambda size: "2026-11-23T" + "1" * size,
    "a rule's name": lambda size: "velocity:" + "x" * size,
    "devices": lambda size: array(size, f'["#",{TIMED}]'),
    "one device": lambda size: array(size, f'["a",{TIMED}]'),
    "pairs that are none": lambda size: array(size, "[]"),
    "openings": lambda size: "[" * size,
    "a text cut off": lambda size: '["' + fill(size, r"\"x\":1,"),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_a_function_of_sql_takes_time_in_proportion_to_its_text(kind: str) -> None:
    def calling(size: int) -> Callable[[], None]:
        text = TEXTS[kind](size)

        def call() -> None:
            for function in FUNCTIONS:
                if "STRING" in function.takes.values():
                    function.call(*[text, UNTIL][: len(function.takes)])

        return call

    assert_in_proportion(calling, (*SIZES, LARGEST))
