"""Decisions and dead letters as bytes: JSON in UTF-8 (contract §1)."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import orjson

from_json = msgspec.json.Decoder().decode
"""The content of JSON that this project wrote. Whole numbers are exact, whatever their size, which they are not in
orjson. Raises ValueError."""


def to_json(content: dict[str, Any]) -> bytes:
    """Compact JSON in UTF-8, without escapes but those that JSON requires: escaped, a letter of two bytes would take
    six, and what fits a topic coming in would not fit one going out. Numbers are written exactly, whatever their size.

    Half a surrogate pair, which UTF-8 cannot hold, is the one letter that is escaped. No record that is read has one
    (`loyalty.wire.reading` refuses it), so only text of our own making could."""
    try:
        return orjson.dumps(content)
    except TypeError:  # an integer wider than 64 bits, or half a surrogate pair
        return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "backslashreplace")
