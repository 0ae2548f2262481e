"""StateEntries: how the state of an account is written down.

An entry is one byte of version followed by the content. Content is msgpack, read straight into the typed structures of
`loyalty.state`. Points are exact whatever their size, and msgpack stops at 64 bits, so an entry with a wider
number is written as JSON instead and says so in the top bit of its first byte.

An entry of an older version is brought up to date by the upcasters of its kind, one step a version; an entry of a newer
version than this code knows is refused. `tests/domain/frozen/` holds entries of every version that was ever released.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

import msgspec

T = TypeVar("T")
_WIDE = 0x80


class StateEntries(Protocol):
    """Keyed state by name: what the domain needs of whoever keeps its entries (Flink's map state, a dict in a test)."""

    def get(self, name: str) -> bytes | None: ...

    def put(self, name: str, entry: bytes) -> None: ...

    def remove(self, name: str) -> None: ...


class DictEntries:
    """StateEntries in memory: for replays, audits and tests."""

    def __init__(self, entries: dict[str, bytes] | None = None) -> None:
        self.entries: dict[str, bytes] = {} if entries is None else entries

    def get(self, name: str) -> bytes | None:
        return self.entries.get(name)

    def put(self, name: str, entry: bytes) -> None:
        self.entries[name] = entry

    def remove(self, name: str) -> None:
        self.entries.pop(name, None)


class UnknownEntryVersion(Exception):
    """An entry was written by a newer release than this one."""


class EntryCodec(Generic[T]):
    """Writes and reads entries of one kind.

    `upcasters[v]` turns the plain content (lists, numbers, strings) of version `v` into that of version `v + 1`.
    """

    def __init__(self, shape: Any, version: int, upcasters: Mapping[int, Callable[[Any], Any]] | None = None) -> None:
        self.shape = shape
        self.version = version
        self.upcasters = dict(upcasters or {})
        self._prefix = bytes([version])
        self._wide_prefix = bytes([version | _WIDE])
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder: msgspec.msgpack.Decoder[T] = msgspec.msgpack.Decoder(shape)

    def write(self, content: T) -> bytes:
        try:
            return self._prefix + self._encoder.encode(content)
        except OverflowError:
            plain = msgspec.to_builtins(content)
            return self._wide_prefix + json.dumps(plain, separators=(",", ":")).encode()

    def read(self, entry: bytes) -> T:
        """Raises UnknownEntryVersion for an entry of a newer release."""
        first = entry[0]
        if first == self.version:
            return self._decoder.decode(memoryview(entry)[1:])
        version = first & ~_WIDE
        if version > self.version:
            raise UnknownEntryVersion(
                f"an entry of version {version} was found; this release knows up to {self.version}"
            )
        body = entry[1:]
        plain = json.loads(body) if first & _WIDE else msgspec.msgpack.decode(body)
        for step in range(version, self.version):
            plain = self.upcasters[step](plain)
        content: T = msgspec.convert(plain, self.shape)
        return content


class Payload(Generic[T]):
    """Something on its way from one operator to another: a byte that says what it is, and an entry."""

    def __init__(self, tag: bytes, codec: EntryCodec[T]) -> None:
        self.tag = tag
        self.codec = codec

    def write(self, content: T) -> bytes:
        return self.tag + self.codec.write(content)

    def read(self, payload: bytes) -> T:
        return self.codec.read(payload[1:])
