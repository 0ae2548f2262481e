"""What one event or timer reads and writes of the state of one key."""

from __future__ import annotations

from typing import Any, Generic, Protocol, TypeVar

from loyalty.state.codec import EntryCodec, StateEntries

T = TypeVar("T")


class Opened(Protocol):
    """A list, or several, that have been read."""

    def save(self) -> None: ...

    def close(self) -> None: ...


class UnitOfWork:
    """The entries that were read, those that changed, and the lists that were opened, until `save`.

    Whatever is not asked for is not even read.
    """

    __slots__ = ("changed", "entries", "loaded", "opened")

    def __init__(self, entries: StateEntries) -> None:
        self.entries = entries
        self.loaded: dict[str, Any] = {}
        """Content of the entries that were read or put, by name; None where there is none."""
        self.changed: dict[str, EntryCodec[Any]] = {}
        """Those that `save` has to write or remove."""
        self.opened: list[Opened] = []

    def turn_to(self, entries: StateEntries) -> None:
        """Be about these entries from now on. What was not saved of those before is dropped."""
        self.entries = entries
        self.loaded.clear()
        self.changed.clear()
        for opened in self.opened:
            opened.close()
        self.opened.clear()

    def save(self) -> None:
        for opened in self.opened:
            opened.save()
        if self.changed:
            entries = self.entries
            for name, codec in self.changed.items():
                content = self.loaded[name]
                if content is None:
                    entries.remove(name)
                else:
                    entries.put(name, codec.write(content))
            self.changed.clear()


class EntriesById(Generic[T]):
    """Entries of one kind, by id: read when asked for, written by the unit's `save` when handed back by `put`."""

    __slots__ = ("_changed", "_codec", "_kind", "_loaded", "_unit")

    def __init__(self, kind: str, codec: EntryCodec[T], unit: UnitOfWork) -> None:
        self._kind = f"{kind}/"
        self._codec = codec
        self._unit = unit
        self._loaded = unit.loaded
        self._changed = unit.changed

    def get(self, key: str) -> T | None:
        name = self._kind + key
        if name in self._loaded:
            known: T | None = self._loaded[name]
            return known
        raw = self._unit.entries.get(name)
        content = self._loaded[name] = None if raw is None else self._codec.read(raw)
        return content

    def was_found(self, key: str) -> bool:
        """Whether it was asked for in this unit of work, and is there."""
        return self._loaded.get(self._kind + key) is not None

    def put(self, key: str, content: T) -> None:
        """Also after changing what `get` gave: a change that is not put is not kept."""
        name = self._kind + key
        self._loaded[name] = content
        self._changed[name] = self._codec

    def remove(self, key: str) -> None:
        name = self._kind + key
        self._loaded[name] = None
        self._changed[name] = self._codec
