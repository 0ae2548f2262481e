"""Showing a field to those who may not read all of it, by its classification (contract §1)."""

from __future__ import annotations

HIDDEN = "***"
_SHOWN = 4


def masked(value: str, classification: str) -> str:
    """`value` as it may be shown where only `internal` may be read.

    `internal` is shown as it is. `confidential` keeps its last 4 characters, if it has at least twice as many, so that
    two people can agree which one they mean. `personal`, and a classification that is not known, shows nothing, not
    even how long it is.
    """
    if classification == "internal":
        return value
    if classification == "confidential" and len(value) >= 2 * _SHOWN:
        return HIDDEN + value[-_SHOWN:]
    return HIDDEN
