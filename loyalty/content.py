"""Whether two values say the same: duplicates are compared as parsed JSON (contract §4, *Duplicates*)."""

from __future__ import annotations

import json
import re
from hashlib import blake2b
from typing import Any

import orjson

from loyalty.wire.reading import parse_json

_FRACTION = re.compile(rb'(?:"\s*:|[\[,])\s*-?[0-9]+[.eE]')
"""A number with a fraction or an exponent, or something that looks like one."""


def content_digest(value: bytes) -> bytes:
    """A digest that is equal for values that are equal as parsed JSON: order of keys, white space and the way a number
    or a letter is written make no difference. `value` must be valid JSON."""
    content = parse_json(value)
    if _FRACTION.search(value):
        content = _whole(content)
    try:
        text = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # an integer wider than 64 bits
        text = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    return blake2b(text, digest_size=12).digest()


def _whole(content: Any) -> Any:
    """1.0 is 1 in JSON."""
    if isinstance(content, dict):
        return {key: _whole(item) for key, item in content.items()}
    if isinstance(content, list):
        return [_whole(item) for item in content]
    if isinstance(content, float) and content.is_integer():
        return int(content)
    return content
