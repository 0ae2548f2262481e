"""The seal that chains the decisions of a stream (contract §5): who changes, drops or swaps one breaks it."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import orjson

NO_SEAL = bytes(32)
"""Stands before the first decision of a stream; in hex, 64 zeros."""

UNSEALED = ("decided_at", "seal")
UNSEALED_OF_CAUSE = ("partition", "offset")
"""A copy on another cluster has others, and keeps the seal."""


def canonical(content: dict[str, Any]) -> bytes:
    """JSON in UTF-8 with keys in code-point order, no white space, and no escapes but those that JSON requires."""
    try:
        return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # an integer wider than 64 bits
        return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def seal(previous: bytes, sealed: dict[str, Any]) -> bytes:
    """The seal of a decision that is given without what no seal covers; `previous` is that of the one before it in its
    stream, or `NO_SEAL`. It travels in lower-case hex."""
    return sha256(b"%s\n%s" % (previous.hex().encode(), canonical(sealed))).digest()


def seal_of(previous: bytes, decision: dict[str, Any]) -> bytes:
    """The seal that a published decision should have."""
    return seal(previous, _without(decision, UNSEALED) | {"cause": _without(decision["cause"], UNSEALED_OF_CAUSE)})


def _without(content: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    left = content.copy()  # cheaper than a comprehension that asks of each name
    for name in names:
        left.pop(name, None)
    return left
