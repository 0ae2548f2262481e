"""Ten thousand records that nobody should send, among sound ones: the job goes on, and every one is accounted for."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from loyalty.in_memory_run import Outcome
from loyalty.times import format_time, parse_time
from loyalty.wire import context, fraud, members, program, transactions
from ops.reconcile.transactions import Reconciliation
from tests.kafka.on_kafka import (
    DEAD_LETTERS,
    DECISIONS,
    Plain,
    assert_reconciles,
    by_place,
    decided_in_memory,
    first_differences,
    fresh_topics,
    run_to_end,
    values,
    without_the_hour,
)
from tests.kafka_records import send
from tests.wire.examples import CONSENT, CONTEXT, PROFILE, SIGNAL, TRANSACTIONS, document

SEED = 20_261
FUZZED = 10_000
FUZZED_FACTS = 200
"""For each reference topic."""
SOUND_EVERY = 5
MEGABYTES = 24
PARTITIONS = 4
START = parse_time("2026-03-01T00:00:00.000Z")
STEP_MS = 40_000
LAG_MS = 3_600_000
"""More than `Fuzz` ever goes back, so that nothing is late: what a late event meets depends on other partitions."""

Keyed = tuple[bytes | None, bytes | None]

ODD_TEXTS = ["", "\x00", "a\x00b", "😀", "Zoë", "\ud800", "\udc00\ud800", "\uffff", "\ufeff", "\\", '"', "x" * 5000]
ODD_TIMES = [
    "0000-01-01T00:00:00.000Z",
    "0001-01-01T00:00:00.000Z",
    "1969-12-31T23:59:59.999Z",
    "9999-12-31T23:59:59.999Z",
    "2026-02-29T00:00:00.000Z",
    "2024-02-29T00:00:00.000Z",
    "2026-03-01T24:00:00.000Z",
    "2026-03-01T00:00:60.000Z",
    "2026-03-01T00:00:00Z",
    "2026-03-01T00:00:00.000+00:00",
    "2026-03-01T00:00:00.0000Z",
    "٢٠٢٦-03-01T00:00:00.000Z",
]
ODD_THINGS: list[Any] = [
    None, True, False, 0, -1, 1, 10.0, 1e300, -0.0, 2**53 - 1, 2**53, -(2**53), 2**63, 2**64, 10**400, [], {}, [[]],
    [None], {"a": {"b": []}}, *ODD_TEXTS, *ODD_TIMES,
]  # fmt: skip
SCRAPS = [
    b"", b"null", b"0", b'"', b'""', b"[]", b"{}", b"{", b"}", b"[" * 100_000, b'{"a":' * 100_000, b"\x00", b"\xff",
    b"\xef\xbb\xbf{}", b"NaN", b"-Infinity", b'{"type": NaN}', b"1" * 20_000, b'{"type": "purchase"}', b" \n\t ",
    b'{"type": "\\ud800"}', b"{}{}", b"// {}", b"{'type': 'purchase'}", b'{"type": "purchase",}', b"1e999999999",
    "{\u201ctype\u201d: 1}".encode(), "{}".encode("utf-16"), b'{"\xc0\xaf": 1}', b'{"\xed\xa0\x80": 1}',
]  # fmt: skip


class Fuzz:
    """Makes records from a seed. Each partition has accounts of its own and time that goes forward."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._number = 0
        self._sent: dict[int, list[tuple[bytes, Plain]]] = {partition: [] for partition in range(PARTITIONS)}
        self._orders: dict[int, list[tuple[str, str]]] = {partition: [] for partition in range(PARTITIONS)}
        self._redemptions: dict[int, list[tuple[str, str]]] = {partition: [] for partition in range(PARTITIONS)}

    def sound(self, partition: int) -> Keyed:
        """A record that a till might send: some rule may still refuse it."""
        key, event = self._event(partition)
        self._sent[partition].append((key, event))
        if event["type"] == "purchase":
            self._orders[partition].append((event["account_id"], event["order_id"]))
        elif event["type"] == "redemption.requested":
            self._redemptions[partition].append((event["account_id"], event["redemption_id"]))
        return key, _dump(event)

    def fuzzed(self, partition: int) -> Keyed:
        key, event = self._event(partition)
        return self._chance.choice(WAYS)(self, partition, key, event)

    def megabyte(self, partition: int, kind: int) -> Keyed:
        """The largest that the platform is asked to carry: junk, JSON that is refused, and JSON that is sound."""
        key, event = self._event(partition)
        size = 1_000_000
        makes: list[Callable[[], bytes]] = [
            lambda: self._chance.randbytes(size),
            lambda: b"[" * size,
            lambda: _dump({**event, "schema_version": "1" * size}),
            lambda: _dump({**event, "unheard_of": "é" * (size // 2)}),
            lambda: _dump({**event, "event_id": event["event_id"] + "x" * size}),
            lambda: b" " * size + _dump(event),
        ]
        return key, makes[kind % len(makes)]()

    def _event(self, partition: int) -> tuple[bytes, Plain]:
        self._number += 1
        chance, number = self._chance, self._number
        letter = chance.choice(["a", "Zoë", "😀", "n\x00l", "\uffff"])
        account_id = f"{letter}-{partition}-{chance.randrange(25)}"
        event = json.loads(json.dumps(chance.choice(list(TRANSACTIONS.values()))))
        event |= {
            "event_id": f"event-{number}",
            "account_id": account_id,
            "occurred_at": format_time(START + number * STEP_MS),
        }
        if event["type"] == "purchase":
            event["order_id"] = f"order-{number}"
        elif "order_id" in event and self._orders[partition]:
            event["account_id"], event["order_id"] = chance.choice(self._orders[partition][-20:])
        elif event["type"] == "redemption.requested":
            event |= {"redemption_id": f"redemption-{number}", "points": 1000}
        elif "redemption_id" in event and self._redemptions[partition]:
            event["account_id"], event["redemption_id"] = chance.choice(self._redemptions[partition][-5:])
        if event["type"] == "adjustment":
            event["points"] = chance.randrange(-300, 6000) or 1
        return event["account_id"].encode(), event

    def _cut(self, partition: int, key: bytes, event: Plain) -> Keyed:
        value = _dump(event)
        return key, value[: self._chance.randrange(len(value))]

    def _flip(self, partition: int, key: bytes, event: Plain) -> Keyed:
        value = bytearray(_dump(event))
        for _ in range(self._chance.randrange(1, 4)):
            value[self._chance.randrange(len(value))] = self._chance.randrange(256)
        # A flipped digit of a year would move the clock of the partition for all that follows.
        at = _dump(event).find(event["occurred_at"].encode())
        value[at : at + 24] = event["occurred_at"].encode()
        return key, bytes(value)

    def _wrong_type(self, partition: int, key: bytes, event: Plain) -> Keyed:
        event[self._chance.choice(sorted(event))] = self._chance.choice(ODD_THINGS)
        return key, _dump(event)

    def _wrong_line(self, partition: int, key: bytes, event: Plain) -> Keyed:
        lines = event.get("lines") or [{}]
        lines[0][self._chance.choice(["line_id", "quantity", "amount", "sku", "more"])] = self._chance.choice(
            ODD_THINGS
        )
        return key, _dump({**event, "lines": lines})

    def _without(self, partition: int, key: bytes, event: Plain) -> Keyed:
        del event[self._chance.choice(sorted(event))]
        return key, _dump(event)

    def _odd_time(self, partition: int, key: bytes, event: Plain) -> Keyed:
        return key, _dump({**event, "occurred_at": self._chance.choice(ODD_TIMES)})

    def _odd_id(self, partition: int, key: bytes, event: Plain) -> Keyed:
        field = self._chance.choice(["event_id", "account_id", "order_id", "source", "reason"])
        odd = self._chance.choice(ODD_TEXTS)
        event[field] = f"{event.get(field, '')}{odd}"
        new_key = event["account_id"].encode("utf-8", "surrogatepass") if self._chance.random() < 0.8 else key
        return new_key, _dump(event)

    def _other_key(self, partition: int, key: bytes, event: Plain) -> Keyed:
        keys = [None, b"", b"\x00", key + b" ", b"\xff" + key, key[:-1], key.upper(), b"k" * 10_000]
        return self._chance.choice(keys), _dump(event)

    def _key_twice(self, partition: int, key: bytes, event: Plain) -> Keyed:
        field = self._chance.choice(sorted(event.keys() - {"occurred_at"}))
        twice = json.dumps({field: self._chance.choice(ODD_THINGS)}).encode()[1:-1]
        value = _dump(event)
        return key, b"{" + twice + b"," + value[1:] if self._chance.random() < 0.5 else value[:-1] + b"," + twice + b"}"

    def _deep(self, partition: int, key: bytes, event: Plain) -> Keyed:
        depth = self._chance.choice([2, 198, 199, 200, 201, 1_000, 20_000])
        one, end = self._chance.choice([(b"[", b"]"), (b'{"a":', b"}")])
        inside = one * depth + (b"" if one == b"[" else b"0") + end * depth
        return key, _dump(event)[:-1] + b',"more":' + inside + b"}"

    def _huge_number(self, partition: int, key: bytes, event: Plain) -> Keyed:
        number = b"9" * self._chance.choice([16, 19, 20, 400, 4_300, 4_301, 9_000])
        field = self._chance.choice([b"points", b"schema_version", b"more"])
        sign, rest = self._chance.choice([b"", b"-"]), self._chance.choice([b"", b".0", b"e5"])
        return key, _dump(event)[:-1] + b',"' + field + b'":' + sign + number + rest + b"}"

    def _scrap(self, partition: int, key: bytes, event: Plain) -> Keyed:
        return self._chance.choice([key, None, b"\xc3("]), self._chance.choice([None, *SCRAPS])

    def _noise(self, partition: int, key: bytes, event: Plain) -> Keyed:
        return self._chance.randbytes(self._chance.randrange(20)), self._chance.randbytes(self._chance.randrange(300))

    def _again(self, partition: int, key: bytes, event: Plain) -> Keyed:
        before = self._sent[partition]
        if not before:
            return self._noise(partition, key, event)
        key, event = self._chance.choice(before[-3:])
        same = self._chance.random() < 0.5
        return key, json.dumps(event, indent=1, sort_keys=True).encode() if same else _dump({**event, "source": "odd"})

    def facts(self, examples: list[tuple[bytes, Plain]]) -> Keyed:
        """A reference record, spoilt."""
        self._number += 1
        key, example = self._chance.choice(examples)
        event = json.loads(json.dumps(example))
        if self._chance.random() < 0.5:
            event["account_id"] = f"a-{self._chance.randrange(4)}-{self._chance.randrange(25)}"
        ways = [Fuzz._wrong_fact, Fuzz._without, Fuzz._cut_fact, Fuzz._deep, Fuzz._scrap, Fuzz._noise]
        return self._chance.choice(ways)(self, 0, key, event)

    def _wrong_fact(self, partition: int, key: bytes, event: Plain) -> Keyed:
        # Sound documents would change the programme: they are left to the tests that are about it.
        field = self._chance.choice(["event_id", "schema_version", "type", "body", "account_id", "devices", "score"])
        event[field] = self._chance.choice([None, "", 1.5, [], 2**64])
        return key, _dump(event)

    def _cut_fact(self, partition: int, key: bytes, event: Plain) -> Keyed:
        return key, _dump(event)[: -self._chance.randrange(1, 40)]


WAYS: list[Callable[[Fuzz, int, bytes, Plain], Keyed]] = [
    Fuzz._cut, Fuzz._flip, Fuzz._wrong_type, Fuzz._wrong_line, Fuzz._without, Fuzz._odd_time, Fuzz._odd_id,
    Fuzz._other_key, Fuzz._key_twice, Fuzz._deep, Fuzz._huge_number, Fuzz._scrap, Fuzz._noise, Fuzz._again,
]  # fmt: skip

FACTS: dict[str, list[tuple[bytes, Plain]]] = {
    members.TOPIC: [(b"member-1:profile", PROFILE), (b"member-1:consent", CONSENT)],
    fraud.TOPIC: [(b"account-1", SIGNAL)],
    context.TOPIC: [(b"account-1", CONTEXT)],
    program.TOPIC: [(b"earning@9", document("earning", 9)), (b"fraud@9", document("fraud", 9))],
}


def _dump(event: Plain) -> bytes:
    """As UTF-8 where that can be; a lone surrogate has to be escaped, as its sender's library would."""
    try:
        return json.dumps(event, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(event).encode()


def _transactions(fuzz: Fuzz) -> list[list[Keyed]]:
    made: list[list[Keyed]] = [[] for _ in range(PARTITIONS)]
    for number in range(FUZZED - MEGABYTES):
        partition = number % PARTITIONS
        made[partition].append(fuzz.fuzzed(partition))
        if number // PARTITIONS % SOUND_EVERY == 0:
            made[partition].append(fuzz.sound(partition))
        if number % (FUZZED // MEGABYTES) == 0:
            made[partition].append(fuzz.megabyte(partition, number // (FUZZED // MEGABYTES)))
    return made


@pytest.fixture(scope="module")
def decided(bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """All of it decided by the job; the value is what the domain alone makes of the same records."""
    fresh_topics(bootstrap)
    fuzz = Fuzz(SEED)
    for topic, examples in FACTS.items():
        made = [fuzz.facts(examples) for _ in range(FUZZED_FACTS)]
        # A compacted topic takes no record without a key: the broker itself refuses it.
        send(bootstrap, topic, [one for one in made if topic == fraud.TOPIC or one[0] is not None], 0)
    for partition, records in enumerate(_transactions(fuzz)):
        send(bootstrap, transactions.TOPIC, records, partition)
    run_to_end(bootstrap, tmp_path_factory.mktemp("run") / "state", "--parallelism", "2", "--watermark-lag", "1h")
    return decided_in_memory(bootstrap, LAG_MS)


@pytest.fixture(scope="module")
def counts(bootstrap: str, decided: Outcome) -> Reconciliation:
    return assert_reconciles(bootstrap)


def test_every_fuzzed_record_has_one_fate(counts: Reconciliation) -> None:
    assert counts.read == sum(map(len, _transactions(Fuzz(SEED)))) > FUZZED
    assert counts.repeated == 0


def test_fuzzed_records_are_refused_for_the_reasons_that_the_domain_gives(bootstrap: str, decided: Outcome) -> None:
    assert first_differences(by_place(values(bootstrap, DEAD_LETTERS)), by_place(decided.dead_letters)) == []


def test_sound_records_among_fuzzed_ones_are_decided_as_the_domain_does(bootstrap: str, decided: Outcome) -> None:
    found = without_the_hour(values(bootstrap, DECISIONS))
    assert first_differences(found, without_the_hour(decided.decisions)) == []


def test_the_fuzz_reaches_most_reasons_and_every_fate(decided: Outcome, counts: Reconciliation) -> None:
    """Otherwise the tests above would say little."""
    fates = Counter(fate for place, fate in decided.fates.items() if place.topic == transactions.TOPIC)
    assert fates["used"] > 2_000
    assert fates["duplicate"] > 50
    assert fates["waiting"] > 0
    assert (counts.used, counts.duplicate, counts.dead_letter, counts.waiting) == tuple(
        fates[fate] for fate in ("used", "duplicate", "dead_letter", "waiting")
    )
    assert counts.reasons.keys() >= {
        "malformed_json", "schema_violation", "key_mismatch", "too_early", "no_programme", "conflicting_duplicate",
        "unknown_order", "unknown_redemption", "over_refund", "no_hold",
    }  # fmt: skip
    assert {letter["topic"] for letter in decided.dead_letters} == {transactions.TOPIC, *FACTS}


def test_the_same_seed_gives_the_same_records() -> None:
    assert _transactions(Fuzz(SEED)) == _transactions(Fuzz(SEED))
