"""The whole traffic in its order: first what is known of everybody, then the transactions and engagements."""

from __future__ import annotations

from collections.abc import Iterator

from ops.generate.engagements import Engagements, changes_of_mind
from ops.generate.households import households
from ops.generate.reference import alarms, reference_records
from ops.generate.season import Season
from ops.generate.settings import OutRecord, Traffic
from ops.generate.shop import Shop
from ops.generate.transactions import Transactions


def records(traffic: Traffic, shop: Shop) -> Iterator[OutRecord]:
    """The reference records, then `traffic.events` transaction records in the order in which they arrive, and
    `traffic.engagements` engagements among them."""
    accounts = households(traffic, shop)
    expected = alarms(traffic, accounts)
    yield from reference_records(traffic, accounts, expected)
    transactions = Transactions(Season(traffic, shop, accounts), expected)
    if traffic.engagements:
        yield from changes_of_mind(traffic, accounts)
        yield from Engagements(traffic, shop, accounts).among(transactions)
    else:
        yield from transactions
