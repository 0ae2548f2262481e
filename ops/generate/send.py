"""Sending realistic traffic to a cluster, and knowing what was sent and what must become of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from loyalty.times import HOUR_MS, MINUTE_MS, format_time
from loyalty.wire import context, fraud, members, transactions
from loyalty.wire import engagements as engagement
from ops.errors import Refusal
from ops.generate.settings import OutRecord, Traffic, default_accounts
from ops.generate.shop import Shop
from ops.generate.traffic import records
from ops.kafka.client import partitions_of
from ops.kafka.sending import Sender
from ops.program.documents import FOLDER
from ops.program.publish import check

_PACE_S = 0.005
_TOPICS = (transactions.TOPIC, engagement.TOPIC, members.TOPIC, fraud.TOPIC, context.TOPIC)


class Sent(NamedTuple):
    """What was sent: how many records by topic and kind, and how many must end as which dead letter or duplicate."""

    kinds: Counter[tuple[str, str]]
    expected: Counter[str]

    @property
    def transactions(self) -> int:
        return sum(count for (topic, _), count in self.kinds.items() if topic == transactions.TOPIC)


def generate(
    bootstrap: str,
    events: int,
    seed: int,
    accounts: int | None = None,
    rate: float | None = None,
    engagements: int = 0,
) -> Sent:
    """Sends `events` transactions of the default traffic, and engagements among them, as `send`."""
    traffic = Traffic(seed, events, accounts or default_accounts(events), engagements=engagements)
    return send(bootstrap, traffic, rate)


def send(bootstrap: str, traffic: Traffic, rate: float | None = None, program: Path = FOLDER) -> Sent:
    """Sends the reference records, waits until they are delivered, then sends the transactions.

    `rate` is transactions a second; without it they go as fast as they can.

    Raises:
        Refusal: the programme is bad or begins after the traffic, the traffic ends in the future, or the cluster, a
            topic or a delivery fails.
    """
    shop = _shop(program, traffic)
    partitions_of(bootstrap, _TOPICS)
    sent = Sent(Counter(), Counter())
    with Sender(bootstrap) as sender:
        for record in _paced(records(traffic, shop), sender, rate):
            sender.send(record.topic, record.key, record.value)
            sent.kinds[record.topic, record.kind] += 1
            if record.expects is not None:
                sent.expected[record.expects] += 1
    return sent


def traffic_records(traffic: Traffic, program: Path = FOLDER) -> Iterator[OutRecord]:
    """The same records without a cluster: for tests and benchmarks.

    Raises:
        Refusal: as `send`, of the programme and the time.
    """
    return records(traffic, _shop(program, traffic))


def _shop(program: Path, traffic: Traffic) -> Shop:
    try:
        shop = Shop(version.document for version in check(program))
    except ValueError as problem:
        raise Refusal(f"There is nothing to generate for: {problem}.") from problem
    if traffic.start_ms - 6 * HOUR_MS < shop.opens_at:
        raise Refusal(
            f"The traffic would begin at {format_time(traffic.start_ms)}, before the programme, which begins at "
            f"{format_time(shop.opens_at)}: choose a later --end or fewer --days."
        )
    if traffic.end_ms > time.time_ns() // 1_000_000 + 5 * MINUTE_MS:
        raise Refusal(f"The traffic would end at {format_time(traffic.end_ms)}, which is in the future: choose --end.")
    return shop


def _paced(all_records: Iterator[OutRecord], sender: Sender, rate: float | None) -> Iterator[OutRecord]:
    """Holds the rest back until the reference records are delivered, and then the transactions to `rate` a second."""
    began: float | None = None
    count = 0
    for record in all_records:
        if began is None and record.topic in (transactions.TOPIC, engagement.TOPIC):
            sender.flush()
            began = time.monotonic()
        if record.topic == transactions.TOPIC:
            assert began is not None
            if rate is not None:
                ahead = count / rate - (time.monotonic() - began)
                if ahead > _PACE_S:
                    sender.poll()
                    time.sleep(ahead)
            count += 1
        yield record
