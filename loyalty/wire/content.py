"""Whether two values say the same: duplicates are compared as parsed JSON (contract §4, *Duplicates*)."""

from __future__ import annotations

import json
import math
from hashlib import blake2b
from typing import Any

import msgspec
import orjson

from loyalty.wire.reading import parse_json


def _whole_number(text: str) -> float | int:
    """1.0 is 1 in JSON."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return int(number) if number.is_integer() else number


_DECODE = msgspec.json.Decoder(float_hook=_whole_number).decode


def content_digest(value: bytes) -> bytes:
    """A digest that is equal for values that are equal as parsed JSON: order of keys, white space and the way a number
    or a letter is written make no difference. `value` must be valid JSON."""
    try:
        text = orjson.dumps(_DECODE(value), option=orjson.OPT_SORT_KEYS)
    except (ValueError, TypeError, RecursionError):  # numbers beyond 64 bits, or nested too deep for one of the two
        text = _canonical(_whole(parse_json(value)))
    return blake2b(text, digest_size=12).digest()


def _canonical(content: Any) -> bytes:
    try:
        return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # an integer wider than 64 bits
        return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _whole(content: Any) -> Any:
    """1.0 is 1 in JSON."""
    if isinstance(content, dict):
        return {key: _whole(item) for key, item in content.items()}
    if isinstance(content, list):
        return [_whole(item) for item in content]
    if isinstance(content, float) and content.is_integer():
        return int(content)
    return content
