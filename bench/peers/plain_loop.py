"""A running balance in a loop over confluent-kafka: a dict, no fault tolerance. `bench/peers/__init__.py` says what it
does.
"""

from __future__ import annotations

import json
import sys
from uuid import uuid4

from confluent_kafka import Consumer, Producer


def main(bootstrap: str, topic: str) -> None:
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"plain-loop-{uuid4()}",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5})
    consumer.subscribe(["loyalty.transactions"])
    accounts: dict[str, tuple[int, int]] = {}
    while True:
        for message in consumer.consume(1_000, 0.1):
            if message.error() is not None:
                continue
            purchase = json.loads(message.value() or b"")
            account = purchase["account_id"]
            balance, sequence = accounts.get(account, (0, 0))
            balance += sum(line["amount"] // 10 for line in purchase["lines"])
            sequence += 1
            accounts[account] = balance, sequence
            decision = json.dumps({"account": account, "balance": balance, "sequence": sequence})
            while True:
                try:
                    producer.produce(topic, decision, account)
                    break
                except BufferError:
                    producer.poll(0.1)
        producer.poll(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
