"""State entries that note what is read and written: what grows is found by counting, not by seconds."""

from __future__ import annotations

from loyalty.state.codec import DictEntries


class CountingEntries(DictEntries):
    """Entries in memory, with the names and the bytes of those that were asked for, written or removed."""

    def __init__(self, entries: dict[str, bytes] | None = None) -> None:
        super().__init__(entries)
        self.begin()

    def begin(self) -> None:
        """Nothing has been touched."""
        self.read: list[str] = []
        self.written: list[str] = []
        self.bytes = 0

    @property
    def touched(self) -> int:
        """How many were read, written or removed."""
        return len(self.read) + len(self.written)

    def get(self, name: str) -> bytes | None:
        content = super().get(name)
        self.read.append(name)
        self.bytes += len(content or b"")
        return content

    def put(self, name: str, entry: bytes) -> None:
        self.written.append(name)
        self.bytes += len(entry)
        super().put(name, entry)

    def remove(self, name: str) -> None:
        self.written.append(name)
        super().remove(name)
