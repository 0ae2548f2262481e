from __future__ import annotations

import hashlib
import json
import time
import zlib
from collections import Counter, defaultdict
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from loyalty.in_memory_run import Place, run
from loyalty.records import Record
from loyalty.times import DAY_MS, HOUR_MS, MINUTE_MS, parse_time
from loyalty.wire import context, fraud, members, transactions
from loyalty.wire.context import parse_engagement_context
from loyalty.wire.fraud import parse_fraud_signal
from loyalty.wire.keys import record_key
from loyalty.wire.members import parse_member
from loyalty.wire.program import parse_program_document
from loyalty.wire.reading import MalformedJson, SchemaViolation
from loyalty.wire.schemas import schemas
from loyalty.wire.transactions import Purchase, RedemptionRequested, Refund, parse_transaction
from ops.cli import command_line
from ops.errors import Refusal
from ops.generate.send import generate, send, traffic_records
from ops.generate.settings import DEFAULT_END, OutRecord, Traffic
from ops.generate.shop import Shop
from ops.generate.traffic import records as all_records
from ops.program.documents import FOLDER
from ops.program.publish import check
from tests.kafka_records import delete_topics, read_all
from tests.wire.examples import BODIES, document, wire

LAG_MS = 10 * MINUTE_MS
NOW_MS = DEFAULT_END + 30 * DAY_MS
READERS: dict[str, Any] = {
    members.TOPIC: parse_member,
    fraud.TOPIC: parse_fraud_signal,
    context.TOPIC: parse_engagement_context,
    transactions.TOPIC: parse_transaction,
}


def traffic(events: int = 3000, seed: int = 7, accounts: int = 150, **settings: Any) -> list[OutRecord]:
    return list(traffic_records(Traffic(seed, events, accounts, **settings)))


def of_topic(records: list[OutRecord], topic: str) -> list[OutRecord]:
    return [record for record in records if record.topic == topic]


@pytest.fixture(scope="module")
def records() -> list[OutRecord]:
    return traffic()


@pytest.fixture(scope="module")
def honest(records: list[OutRecord]) -> list[Any]:
    """The transactions that are meant well, parsed."""
    found = of_topic(records, transactions.TOPIC)
    return [parse_transaction(record.value) for record in found if record.expects is None]


def test_the_same_seed_gives_the_same_bytes_on_every_python(records: list[OutRecord]) -> None:
    assert traffic() == records
    shop = Shop(parse_program_document(wire(document(name))) for name in BODIES)
    digest = hashlib.sha256()
    for record in all_records(Traffic(7, 3000, 150), shop):
        digest.update(repr(tuple(record)).encode())
    # If traffic is meant to change, this changes with it.
    assert digest.hexdigest()[:16] == "e0a33260f14f1763"


def test_another_seed_gives_other_events_of_the_same_accounts(records: list[OutRecord]) -> None:
    other = traffic(seed=8)
    ids = [
        {parse_transaction(r.value).event_id for r in of_topic(some, transactions.TOPIC) if not r.expects}
        for some in (records, other)
    ]
    assert not ids[0] & ids[1]
    accounts = [{r.key for r in of_topic(some, context.TOPIC)} for some in (records, other)]
    assert len(accounts[0] & accounts[1]) > 100


def test_events_counts_the_transactions_and_reference_records_come_first(records: list[OutRecord]) -> None:
    assert len(of_topic(records, transactions.TOPIC)) == 3000
    first = next(at for at, record in enumerate(records) if record.topic == transactions.TOPIC)
    assert all(record.topic == transactions.TOPIC for record in records[first:])


def test_every_honest_record_fits_its_model_its_schema_and_its_key(records: list[OutRecord]) -> None:
    validators = {
        path.rpartition("/")[2].removesuffix(".json"): jsonschema.Draft202012Validator(json.loads(text))
        for path, text in schemas().items()
    }
    for record in records:
        if record.expects is None:
            model = READERS[record.topic](record.value)
            assert record.key == record_key(model).encode()
            validators[record.kind].validate(json.loads(record.value or b""))


def test_malformed_records_are_refused_as_they_say(records: list[OutRecord]) -> None:
    found = [record for record in records if record.kind == "malformed"]
    assert {record.expects for record in found} == {"malformed_json", "schema_violation", "key_mismatch"}
    for record in found:
        if record.expects == "malformed_json":
            with pytest.raises(MalformedJson):
                parse_transaction(record.value)
        elif record.expects == "schema_violation":
            with pytest.raises(SchemaViolation):
                parse_transaction(record.value)
        else:
            assert record.key != parse_transaction(record.value).account_id.encode()


@pytest.mark.parametrize("settings", [{}, {"days": 400, "late_rate": 0.05}, {"seed": 3, "accounts": 3}])
def test_every_fault_becomes_the_dead_letter_that_it_says(settings: dict[str, Any]) -> None:
    """Decided by the domain: nothing that is meant to be refused is used, and the other way round."""
    rates = {"malformed_rate": 0.05, "fault_rate": 0.05, "duplicate_rate": 0.1}
    documents = [
        Record("loyalty.program", 0, at, NOW_MS, v.key.encode(), v.document.model_dump_json().encode())
        for at, v in enumerate(check(FOLDER))
    ]
    expects: dict[Place, str | None] = {}
    offsets: Counter[tuple[str, int]] = Counter()
    reference, sent = documents, []
    asked: dict[str, Any] = {**rates, **settings}
    for record in traffic(**asked):
        partition = zlib.crc32(record.key or b"") % 3
        offset = offsets[record.topic, partition]
        offsets[record.topic, partition] += 1
        placed = Record(record.topic, partition, offset, NOW_MS, record.key, record.value)
        if record.topic == transactions.TOPIC:
            sent.append(placed)
            expects[Place(record.topic, partition, offset)] = record.expects
        else:
            reference.append(placed)
    outcome = run(reference, sent, LAG_MS)
    letters = {Place(x["topic"], x["partition"], x["offset"]): x["reason"] for x in outcome.dead_letters}
    became = {place: letters.get(place, outcome.fates[place]) for place in expects}
    assert {place: became[place] for place, expected in expects.items() if expected} == {
        place: expected for place, expected in expects.items() if expected
    }
    # Honest traffic is used, but for commits and cancellations of what was denied.
    assert {became[place] for place, expected in expects.items() if expected is None} <= {"used", "waiting", "no_hold"}
    assert {"conflicting_duplicate", "duplicate", "unknown_order", "too_early", "no_programme"} <= set(became.values())


def test_time_goes_forward_and_disorder_stays_within_the_watermark_lag(honest: list[Any]) -> None:
    latest = 0
    disordered = 0
    for event in honest:
        assert event.occurred_at > latest - 5 * MINUTE_MS
        disordered += event.occurred_at < latest
        latest = max(latest, event.occurred_at)
    assert disordered > 20
    assert DEFAULT_END - 2 * DAY_MS < latest < DEFAULT_END
    assert honest[0].occurred_at < DEFAULT_END - 88 * DAY_MS


def test_late_purchases_come_at_the_rate_that_was_asked_for() -> None:
    found = of_topic(traffic(late_rate=0.2), transactions.TOPIC)
    latest = late = purchases = 0
    for record in found:
        if record.expects is None:
            event = parse_transaction(record.value)
            purchases += isinstance(event, Purchase)
            late += event.occurred_at < latest - LAG_MS
            latest = max(latest, event.occurred_at)
    assert 0.1 * purchases < late < 0.3 * purchases


@pytest.mark.parametrize(("rate", "kind"), [("malformed_rate", "malformed"), ("fault_rate", "refused")])
def test_bad_records_come_at_the_rate_that_was_asked_for(rate: str, kind: str) -> None:
    never: dict[str, Any] = {rate: 0.0}
    often: dict[str, Any] = {rate: 0.2}
    none = Counter(record.kind for record in traffic(**never))
    many = Counter(record.kind for record in traffic(**often))
    assert none[kind] == 0
    assert 500 < many[kind] < 700


def test_without_duplicates_no_event_comes_twice() -> None:
    found = of_topic(traffic(duplicate_rate=0.0, malformed_rate=0.0), transactions.TOPIC)
    ids = [json.loads(record.value or b"")["event_id"] for record in found]
    assert len(ids) == len(set(ids))
    again = Counter(record.kind for record in traffic(duplicate_rate=0.3))
    assert again["duplicate"] > 400
    assert again["conflicting duplicate"] > 30


def test_the_traffic_is_that_of_a_shop(records: list[OutRecord], honest: list[Any]) -> None:
    kinds = Counter(type(event).__name__ for event in honest)
    assert set(kinds) == {
        "Purchase",
        "Refund",
        "Cancellation",
        "Adjustment",
        "RedemptionRequested",
        "RedemptionCommitted",
        "RedemptionCancelled",
    }
    purchases = [event for event in honest if isinstance(event, Purchase)]
    assert {len(event.lines) for event in purchases} == {1, 2, 3, 4, 5}
    assert {event.currency for event in purchases} == {"EUR", "GBP"}
    assert {event.channel for event in purchases} == {"store", "web", "app", "partner"}
    households: dict[str, set[str]] = defaultdict(set)
    for event in purchases:
        households[event.account_id].add(event.member_id)
    assert sum(len(members_of) > 1 for members_of in households.values()) > len(households) // 4
    visits = sorted(Counter(event.account_id for event in purchases).values())
    assert visits[-1] > 5 * visits[len(visits) // 2]


def test_goods_come_back_in_part_and_now_and_then_before_their_purchase(honest: list[Any]) -> None:
    bought: dict[str, dict[str, int]] = {}
    partial = before = 0
    for event in honest:
        if isinstance(event, Purchase):
            bought[event.order_id] = {line.line_id: line.quantity for line in event.lines}
        elif isinstance(event, Refund):
            if event.order_id not in bought:
                before += 1
            elif {line.line_id: line.quantity for line in event.lines} != bought[event.order_id]:
                partial += 1
    assert partial > 50
    assert before > 5


def test_requests_come_in_bursts_and_hijackers_come_under_a_fraud_signal(
    records: list[OutRecord], honest: list[Any]
) -> None:
    requests: dict[str, list[int]] = defaultdict(list)
    strangers = set()
    for event in honest:
        if isinstance(event, RedemptionRequested):
            requests[event.account_id].append(event.occurred_at)
            if event.device_id and "stranger" in event.device_id:
                strangers.add((event.account_id, event.occurred_at))
    bursts = sum(
        sum(abs(other - moment) < 10 * MINUTE_MS for other in moments) > 3
        for moments in requests.values()
        for moment in moments
    )
    assert bursts > 10
    signals = [parse_fraud_signal(record.value) for record in of_topic(records, fraud.TOPIC)]
    assert strangers
    for account_id, moment in strangers:
        assert any(
            signal.account_id == account_id and -HOUR_MS < moment - signal.occurred_at < HOUR_MS for signal in signals
        )


def test_traffic_before_the_programme_or_in_the_future_is_refused() -> None:
    with pytest.raises(Refusal, match="before the programme"):
        traffic_records(Traffic(1, 10, 10, days=700))
    with pytest.raises(Refusal, match="in the future"):
        traffic_records(Traffic(1, 10, 10, end_ms=parse_time("2999-01-01T00:00:00.000Z")))


def test_thirty_thousand_events_take_less_than_a_second_or_two() -> None:
    began = time.process_time()
    count = sum(1 for _ in traffic_records(Traffic(1, 30_000, 1500)))
    assert count > 30_000
    assert time.process_time() - began < 2.0


def test_what_is_sent_arrives_in_order_and_is_counted(loyalty_topics: str) -> None:
    sent = generate(loyalty_topics, events=2000, seed=5, accounts=100)
    planned = traffic(2000, 5, 100)
    assert sent.transactions == 2000
    assert sent.kinds == Counter((record.topic, record.kind) for record in planned)
    assert sent.expected == Counter(record.expects for record in planned if record.expects)
    for topic in READERS:
        arrived: dict[bytes | None, list[bytes | None]] = defaultdict(list)
        meant: dict[bytes | None, list[bytes | None]] = defaultdict(list)
        for kept in read_all(loyalty_topics, topic):
            arrived[kept.key].append(kept.value)
        for record in of_topic(planned, topic):
            meant[record.key].append(record.value)
        arrived.pop(None, None), meant.pop(None, None)  # without a key there is no order to keep
        assert arrived == meant


def test_the_reference_records_are_there_before_the_first_transaction(loyalty_topics: str) -> None:
    generate(loyalty_topics, events=50, seed=5, accounts=100)
    first = min(kept.timestamp_ms for kept in read_all(loyalty_topics, transactions.TOPIC))
    for topic in (members.TOPIC, fraud.TOPIC, context.TOPIC):
        assert max(kept.timestamp_ms for kept in read_all(loyalty_topics, topic)) <= first


def test_a_rate_is_kept(loyalty_topics: str) -> None:
    began = time.monotonic()
    send(loyalty_topics, Traffic(5, 300, 10), rate=200)
    assert 1.4 < time.monotonic() - began < 6


def test_the_command_says_what_it_sent_and_what_must_become_of_it(loyalty_topics: str) -> None:
    arguments = ["generate", "--bootstrap", loyalty_topics, "--events", "1000", "--seed", "5"]
    result = CliRunner().invoke(command_line(arguments), arguments)
    assert result.exit_code == 0, result.output
    assert "\n  purchase  " in result.output
    assert "\nto be refused or ignored\n" in result.output
    assert "1,000 transaction records sent in " in result.output


def test_without_topics_nothing_is_sent(loyalty_topics: str) -> None:
    delete_topics(loyalty_topics, [context.TOPIC])
    with pytest.raises(Refusal, match=r"no topic loyalty\.engagement-context"):
        generate(loyalty_topics, events=10, seed=1)
    assert read_all(loyalty_topics, members.TOPIC) == []
