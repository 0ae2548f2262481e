"""How long decisions took, from the timestamps that the topics themselves hold."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ops.kafka.reading import read_all


def latencies(bootstrap: str) -> list[int]:
    """For each transaction that was decided: ms from its record's timestamp to that of its first decision.

    In the order in which the transactions came, so that a job that is warm by then has made the later ones.
    """
    received: dict[tuple[int, int], int] = {}
    decided: dict[tuple[int, int], int] = {}
    for record in read_all(bootstrap, "loyalty.transactions", "loyalty.decisions"):
        if record.topic == "loyalty.transactions":
            received[record.partition, record.offset] = record.timestamp_ms
            continue
        cause = json.loads(record.value or b"{}")["cause"]
        if "timer" not in cause and cause["topic"] == "loyalty.transactions":
            decided.setdefault((cause["partition"], cause["offset"]), record.timestamp_ms)
    in_order = sorted((received[at], moment) for at, moment in decided.items() if at in received)
    return [moment - came for came, moment in in_order]


def percentiles(measured: Sequence[int], wanted: Sequence[int] = (50, 99)) -> dict[int, int | None]:
    """Nearest-rank percentiles; None where nothing was measured."""
    ordered = sorted(measured)
    return {rank: ordered[max(0, -(-len(ordered) * rank // 100) - 1)] if ordered else None for rank in wanted}
