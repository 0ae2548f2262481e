"""The contract in one function: from records to decisions, dead letters and the count of what became of each."""

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from . import schema
from .account import DUPLICATE, USED, WAITING, Account
from .history import NEVER, Event, History
from .reference import Reference, read_reference, take_in
from .wire import MINUTE_MS, Malformed, Record, is_too_large, parse_json, time_of

TOO_EARLY_MS = 5 * MINUTE_MS

TRANSACTIONS = "loyalty.transactions"

Position = tuple[str, int, int]


class Result(NamedTuple):
    """The decisions (per account in order of their sequence), the dead letters, and the positions of the others.

    Each transaction is in exactly one of `dead_letters`, `duplicates`, `waiting`, `used`. Dead letters include those of
    the reference topics; valid reference records are in none of the four.
    """

    decisions: list[dict[str, Any]]
    dead_letters: list[dict[str, Any]]
    duplicates: list[Position]
    waiting: list[Position]
    used: list[Position]


class Clock:
    """The watermark (contract §4, Time), in milliseconds since 1970.

    It stands still until every partition has had a valid event or has been read to its end, so that the order in which
    partitions are read does not matter, and it never runs back.
    """

    def __init__(self, transactions: Sequence[Record], lag_ms: int) -> None:
        self.lag_ms = lag_ms
        self.unread = Counter(record.partition for record in transactions)
        self.latest: dict[int, int] = {}

    def read(self, record: Record) -> None:
        self.unread[record.partition] -= 1

    def see(self, partition: int, occurred_at: int) -> bool:
        """Takes note of a valid event, and says whether it is late."""
        self.latest[partition] = max(occurred_at, self.latest.get(partition, occurred_at))
        return occurred_at < self.latest[partition] - self.lag_ms

    def watermark(self) -> int:
        if not self.latest or any(left and partition not in self.latest for partition, left in self.unread.items()):
            return -NEVER
        return min(self.latest.values()) - self.lag_ms


def decide_all(transactions: Sequence[Record], reference: Sequence[Record], lag_ms: int) -> Result:
    """Decides a bounded run: all reference records first, then the transactions in the given order.

    Among the transactions there may be reference records (no programme documents): they count from when they arrive.

    The watermark (least over the partitions of the latest valid event, less `lag_ms`) ends where the last events left
    it: what is due by then has been done, nothing later.
    """
    known, refused = read_reference(reference)
    accounts: dict[str, Account] = {}
    judged: list[tuple[Account, Event]] = []
    clock = Clock([record for record in transactions if record.topic == TRANSACTIONS], lag_ms)
    for record in transactions:
        if record.topic != TRANSACTIONS:
            assert record.topic != "loyalty.program", "what the accounts work out of the programme is kept"
            reason = take_in(known, record)
            if reason is not None:
                refused.append((record, reason))
            continue
        watermark = clock.watermark()
        clock.read(record)
        parsed, reason = check(record, schema.TRANSACTIONS, "account_id")
        if reason is not None:
            refused.append((record, reason))
            continue
        occurred_at = time_of(parsed, "occurred_at")
        late = clock.see(record.partition, occurred_at)
        account = accounts.setdefault(parsed["account_id"], new_account(parsed["account_id"], known))
        event = Event(record, parsed, occurred_at, len(account.ends), late)
        judged.append((account, event))
        # Another account's watermark is this one's too, so what it has made due comes first.
        account.do_what_is_due(watermark)
        account.judge(event)
    for account in accounts.values():
        account.do_what_is_due(clock.watermark())

    ends = [(event.record, account.ends[event.arrival]) for account, event in judged]
    refused += [(record, end) for record, end in ends if end not in (USED, DUPLICATE, WAITING)]
    return Result(
        [decision for account in accounts.values() for decision in account.history.decisions],
        [dead_letter(record, reason) for record, reason in refused],
        *([position(record) for record, end in ends if end == wanted] for wanted in (DUPLICATE, WAITING, USED)),
    )


def new_account(account_id: str, known: Reference) -> Account:
    return Account(History(account_id, known))


def check(record: Record, types: Mapping[str, schema.Check], key: str) -> tuple[Any, str | None]:
    """The checks of form, in the contract's order: the parsed event, or None and the reason of the dead letter."""
    try:
        parsed = parse_json(record.value)
    except Malformed:
        return None, "malformed_json"
    if is_too_large(record) or not schema.is_event(parsed, types):
        return None, "schema_violation"
    if record.key != parsed[key].encode():
        return None, "key_mismatch"
    if time_of(parsed, "occurred_at") > record.timestamp_ms + TOO_EARLY_MS:
        return None, "too_early"
    return parsed, None


def position(record: Record) -> Position:
    return record.topic, record.partition, record.offset


def dead_letter(record: Record, reason: str) -> dict[str, Any]:
    """A dead letter without `detail` and `received_at`, which are a sentence and a wall clock."""
    return {
        "reason": reason,
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "key_base64": None if record.key is None else base64.b64encode(record.key).decode(),
        "value_base64": None if record.value is None else base64.b64encode(record.value).decode(),
    }
