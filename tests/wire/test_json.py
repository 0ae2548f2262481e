"""What the loop writes."""

from __future__ import annotations

import json

import pytest

from loyalty.wire.json import to_json
from loyalty.wire.reading import parse_json

LETTERS = 'Zoë 😀 \u2028 \x00 \x1f \\ " \uffff'


@pytest.mark.parametrize("number", [0, 2**64 + 1, -(10**400)])
def test_letters_and_numbers_read_back_as_they_were(number: int) -> None:
    content = {"id": LETTERS, "points": number, "parts": [None, True, {"é": 1}]}
    assert parse_json(to_json(content)) == content
    assert b", " not in to_json({"a": number, "b": [1, 2]})


@pytest.mark.parametrize("number", [0, 2**64 + 1])
def test_a_letter_takes_no_more_bytes_than_in_utf_8_unless_json_requires_an_escape(number: int) -> None:
    for letter in "é€😀\u2028\uffff\x7f/":
        assert letter.encode() in to_json({"id": letter, "points": number})
    assert len(to_json({"id": "\x00"})) == len('{"id":"\\u0000"}')


def test_half_a_surrogate_pair_is_written_as_its_escape() -> None:
    assert to_json({"id": "é\ud800"}) == '{"id":"é\\ud800"}'.encode()
    assert json.loads(to_json({"id": "\ud800", "points": 2**70})) == {"id": "\ud800", "points": 2**70}
