"""The inputs of the measurements: the same seed gives the same events, and each is made once.

- *purchases*: purchases of one line each, the events that every way of keeping a running balance is given;
- *mix*: what `loyalty generate` sends, bad records included.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from loyalty.times import DAY_MS, format_time
from loyalty.wire import program
from loyalty.wire.transactions import TOPIC
from ops.generate.send import traffic_records
from ops.generate.settings import DEFAULT_END, OutRecord, Traffic
from ops.program.documents import FOLDER
from ops.program.publish import check

MINOR_UNITS_A_POINT = 10
"""The running balance: a point for each 10 minor units, rounded down."""


def mix(events: int, accounts: int, seed: int = 1) -> Iterator[OutRecord]:
    """The traffic of `loyalty generate`: reference records first."""
    return traffic_records(Traffic(seed, events, accounts))


def purchases(events: int, accounts: int, days: int = 90) -> Iterator[OutRecord]:
    """Purchases of one line each, an account after the other in rounds, over the `days` up to the generator's end."""
    categories = ("grocery", "household", "beauty", "fashion", "toys", "electronics")
    begin, step = DEFAULT_END - days * DAY_MS, days * DAY_MS // events
    for number in range(events):
        account = _account(number, accounts)
        account_id = f"account-{account:07}"
        category = categories[number % 6]
        event = {
            "event_id": f"event-{number}",
            "type": "purchase",
            "schema_version": 1,
            "source": "webshop",
            "occurred_at": format_time(begin + number * step),
            "account_id": account_id,
            "member_id": f"member-{account:07}-1",
            "order_id": f"order-{number}",
            "channel": "web",
            "currency": "EUR",
            "device_id": f"device-{account:07}-1",
            "payment_id": f"payment-{number}",
            "lines": [
                {
                    "line_id": "1",
                    "sku": f"{category}-{number % 200}",
                    "category": category,
                    "quantity": 1 + number % 3,
                    "amount": _amount_minor(number),
                }
            ],
        }
        yield OutRecord(TOPIC, account_id.encode(), orjson.dumps(event), "purchase")


def _account(number: int, accounts: int) -> int:
    # A prime stride visits every account once a round, and never two neighbours in a row.
    return number * 7_919 % accounts


def _amount_minor(number: int) -> int:
    return 150 + number * 31 % 4_000


def expected_balances(events: int, accounts: int) -> dict[str, list[int]]:
    """By account: its balance after each of its `purchases`."""
    expected: dict[str, list[int]] = {}
    for number in range(events):
        so_far = expected.setdefault(f"account-{_account(number, accounts):07}", [0])
        so_far.append(so_far[-1] + _amount_minor(number) // MINOR_UNITS_A_POINT)
    return expected


def programme() -> Iterator[OutRecord]:
    """The documents of the catalogue's programme, as `loyalty program publish` sends them."""
    for version in check(FOLDER):
        event = version.document.model_copy(update={"occurred_at": version.document.effective_from})
        yield OutRecord(program.TOPIC, version.key.encode(), event.model_dump_json().encode(), "programme")
