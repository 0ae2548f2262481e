"""A running balance in Quix Streams, its state in RocksDB. `bench/peers/__init__.py` says what it does.

Runs in a virtual environment of its own, so it imports nothing of ours.
"""

from __future__ import annotations

import sys
import tempfile
from typing import Any
from uuid import uuid4

from quixstreams import Application, State


def decide(purchase: dict[str, Any], state: State) -> dict[str, Any]:
    balance = state.get("balance", 0) + sum(line["amount"] // 10 for line in purchase["lines"])
    sequence = state.get("sequence", 0) + 1
    state.set("balance", balance)
    state.set("sequence", sequence)
    return {"account": purchase["account_id"], "balance": balance, "sequence": sequence}


def main(bootstrap: str, topic: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        # The state's changelog is named by the group: a run of its own begins with nothing.
        group = f"quix-{uuid4()}"
        app = Application(
            broker_address=bootstrap, consumer_group=group, auto_offset_reset="earliest", state_dir=folder
        )
        purchases = app.topic("loyalty.transactions", value_deserializer="json")
        balances = app.topic(topic, value_serializer="json")
        app.dataframe(purchases).apply(decide, stateful=True).to_topic(balances)
        app.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
