"""Whether two values say the same: duplicates are compared as parsed JSON (contract §4, *Duplicates*).

A number is what it says, exactly: 1, 1.0 and 10e-1 are the same one, 0.1 and 0.10000000000000001 are not. No float
decides, and the length of a number does not matter.
"""

from __future__ import annotations

import json
from decimal import MAX_EMAX, MIN_EMIN, Context
from hashlib import blake2b
from typing import NamedTuple

import msgspec
import orjson

_EXACT_CHARACTERS = 16
"""A number with a point or an exponent has at most 15 digits then, which a float keeps (IEEE 754, DBL_DIG) …"""
_EXACT_FROM, _EXACT_TO = float("1e-290"), 10**15
"""… between these."""
_FLOAT_DIGITS = 17
"""As many digits as the shortest text of a float has at most."""
_WHOLE_DIGITS = 80
"""Whole numbers are written out up to here. More would make 2 MiB of `1e999` a text of hundreds."""
_INT64_DIGITS = 18
"""So many digits fit into 64 bits."""


def content_digest(value: bytes) -> bytes:
    """A digest that is equal for values that are equal as parsed JSON: order of keys, white space and the way a number
    or a letter is written make no difference. `value` must be valid JSON.

    Digests are state: those of used events lie in savepoints, so what is written here must not change.
    """
    try:
        text = orjson.dumps(_DECODE(value), option=orjson.OPT_SORT_KEYS)
    except (ValueError, TypeError):  # an integer wider than 64 bits
        content = json.loads(value.decode(), parse_int=_whole_number, parse_float=_fraction)
        text = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return blake2b(text, digest_size=12).digest()


Number = int | float | orjson.Fragment
"""Whatever it is, orjson writes it as JSON text that says the same number exactly, and one text for each number."""


def _whole_number(text: str) -> Number:
    return int(text) if len(text) <= _INT64_DIGITS else _number(text)


def _fraction(text: str) -> Number:
    """Of a number with a point or an exponent. 1.0 is 1 in JSON."""
    if len(text) <= _EXACT_CHARACTERS:
        number = float(text)
        if _EXACT_FROM < abs(number) < _EXACT_TO:
            return int(number) if number.is_integer() else number
    return _number(text)


_DECODE = msgspec.json.Decoder(float_hook=_fraction).decode


class _Parts(NamedTuple):
    """A number: its digits, the first and the last of them not 0, times a power of ten; 0 has none."""

    sign: str
    digits: str
    exponent: int | str
    """Text where it has more than 18 digits."""


def _number(text: str) -> Number:
    sign, digits, exponent = parts = _parts(text)
    if not digits:
        return 0
    if isinstance(exponent, str):
        return orjson.Fragment(f"{sign}{digits}e{exponent}")
    if exponent >= 0 and len(digits) + exponent <= _WHOLE_DIGITS:
        return orjson.Fragment(f"{sign}{digits}{'0' * exponent}")
    if exponent < 0 and len(digits) <= _FLOAT_DIGITS:
        number = float(text)
        if _parts(repr(number)) == parts:
            return number
    return orjson.Fragment(f"{sign}{digits}e{exponent}")


def _parts(text: str) -> _Parts:
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, fraction = mantissa.removeprefix("-").partition(".")
    significant = (whole + fraction).lstrip("0")
    digits = significant.rstrip("0")
    if not digits:
        return _Parts("", "", 0)
    shift = len(significant) - len(digits) - len(fraction)
    return _Parts("-" if mantissa.startswith("-") else "", digits, _plus(exponent or "0", shift))


def _plus(exponent: str, shift: int) -> int | str:
    if len(exponent) <= _INT64_DIGITS:
        return int(exponent) + shift
    # `int` takes quadratic time for a long text, and stops at 4300 digits.
    exact = Context(prec=len(exponent) + _INT64_DIGITS, Emax=MAX_EMAX, Emin=MIN_EMIN)
    total = exact.add(exact.create_decimal(exponent), shift)
    return int(total) if exact.abs(total) < 10**_INT64_DIGITS else f"{total:f}"
