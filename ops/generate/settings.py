"""What can be set, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from loyalty.times import DAY_MS, parse_time

DEFAULT_END = parse_time("2026-07-01T00:00:00.000Z")
"""A fixed moment of the past: the same seed gives the same events whenever it is run, and none is too early."""


@dataclass(frozen=True)
class Traffic:
    """What traffic is asked for. Rates are shares of the transaction records, 0 to 1."""

    seed: int
    events: int
    """Transaction records, bad ones included; reference records come on top."""
    accounts: int
    end_ms: int = DEFAULT_END
    days: int = 90
    """How long before `end_ms` the traffic begins."""
    malformed_rate: float = 0.01
    """Records that are not what the contract says: broken JSON, wrong types, a foreign key."""
    duplicate_rate: float = 0.01
    """Events sent again; a tenth of them with other content."""
    fault_rate: float = 0.005
    """Well-formed events that a rule refuses."""
    late_rate: float = 0.0
    """Purchases that come 15 minutes to 6 hours after they occurred, beyond the default watermark lag."""

    engagements: int = 0
    """Engagement records, bad ones included, among the transactions; with them, members change their consents."""

    @property
    def start_ms(self) -> int:
        return self.end_ms - self.days * DAY_MS


class OutRecord(NamedTuple):
    """A record to send."""

    topic: str
    key: bytes | None
    value: bytes | None
    kind: str
    """What it is, in the words of the table that `loyalty generate` prints."""
    expects: str | None = None
    """The dead-letter reason that it must get, or `duplicate`; None: it is meant well."""


def default_accounts(events: int) -> int:
    """As many as make about twenty transactions each."""
    return max(20, events // 20)
