"""What engagements say about an account: the devices that were lately in use (contract §3, `engagement-context`)."""

from __future__ import annotations

from collections.abc import Iterable

from loyalty.times import DAY_MS


def recent_devices(seen: Iterable[tuple[str, int]], until: int) -> dict[str, int]:
    """When each device was last seen in the 24 hours up to `until`, that moment included; by device, in their order.

    Args:
        seen: (device, moment in ms since 1970), in any order.
        until: a moment in ms since 1970. A device that was last seen exactly 24 hours before it is left out, as the
            contract's windows are `t - window < occurred_at <= t`.
    """
    last_seen: dict[str, int] = {}
    for device, at in seen:
        if until - DAY_MS < at <= until and at > last_seen.get(device, at - 1):
            last_seen[device] = at
    return dict(sorted(last_seen.items()))
