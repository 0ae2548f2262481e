"""Flink's keyed map state as the domain's `StateEntries`."""

from __future__ import annotations

from typing import Any

from pyflink.common import Types
from pyflink.datastream import RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

_ESCAPE = "\uffff"


def to_flink(text: str) -> str:
    """`text` as Flink can keep it, whatever is in it; different texts stay different.

    JSON may hold half a surrogate pair, which UTF-8 has no bytes for. Such a text is spelt out behind a character that
    marks it (and so is one that begins with that character). State is found again by these names, so they never change.
    """
    if text.isascii():
        return text
    if not text.startswith(_ESCAPE):
        try:
            text.encode()
        except UnicodeEncodeError:
            pass
        else:
            return text
    return _ESCAPE + text.encode("unicode_escape").decode("ascii")


def from_flink(text: str) -> str:
    """What `to_flink` was given."""
    if not text.startswith(_ESCAPE):
        return text
    return text[1:].encode("ascii").decode("unicode_escape")


class StateNotThere(Exception):
    """Flink could not say what is in state."""


class FlinkEntries:
    """The state entries of the key that Flink is at. Each access may cross into the JVM, so ask once."""

    def __init__(self, context: RuntimeContext, state_name: str) -> None:
        descriptor = MapStateDescriptor(state_name, Types.STRING(), Types.PRIMITIVE_ARRAY(Types.BYTE()))
        self._state: Any = context.get_map_state(descriptor)
        self.mark = self._state.mark
        """What is written of this key from here on may be taken back."""
        self.take_back = self._state.take_back

    def get(self, name: str) -> bytes | None:
        """Raises StateNotThere."""
        try:
            entry: bytes | None = self._state.get(to_flink(name))
        except Exception as problem:
            raise StateNotThere(f"The state entry {name} could not be read.") from problem
        return entry

    def put(self, name: str, entry: bytes) -> None:
        self._state.put(to_flink(name), entry)

    def remove(self, name: str) -> None:
        self._state.remove(to_flink(name))
