from __future__ import annotations

import json
from typing import Any

import pytest

from loyalty.times import parse_time
from loyalty.wire.context import EngagementContext, parse_engagement_context
from loyalty.wire.decisions import DeadLetter, Decision, parse_dead_letter, parse_decision
from loyalty.wire.engagements import Engagement, parse_engagement
from loyalty.wire.fields import WireModel
from loyalty.wire.fraud import FraudSignal, parse_fraud_signal
from loyalty.wire.keys import record_key
from loyalty.wire.members import parse_member
from loyalty.wire.program import EarningBody, RewardBody, TiersBody, parse_program_document
from loyalty.wire.reading import Reader, SchemaViolation
from loyalty.wire.transactions import Purchase, PurchaseLine, parse_transaction
from tests.wire import examples
from tests.wire.examples import BODIES, document, wire, without


@pytest.mark.parametrize("example", examples.TRANSACTIONS.values(), ids=examples.TRANSACTIONS.keys())
def test_every_field_of_a_transaction_is_needed_unless_it_is_optional(example: dict[str, Any]) -> None:
    optional = {"store_id", "partner_id", "payment_id", "device_id", "campaign_id"}
    whole = parse_transaction(wire(example))
    for field in example:
        if field in optional:
            assert parse_transaction(wire(without(example, field))) == parse_transaction(wire(example, **{field: None}))
        else:
            with pytest.raises(SchemaViolation, match=f"The field {field} is missing."):
                parse_transaction(wire(without(example, field)))
    assert type(whole).model_fields.keys() >= example.keys()


def test_a_time_is_milliseconds_inside_and_text_on_the_wire() -> None:
    purchase = parse_transaction(wire(examples.PURCHASE))
    assert purchase.occurred_at == parse_time("2026-11-23T10:15:00.000Z")
    assert json.loads(purchase.model_dump_json(exclude_none=True)) == examples.PURCHASE


def test_a_model_made_in_python_is_what_its_wire_form_reads_as() -> None:
    made = Purchase(
        event_id="event-1",
        schema_version=1,
        source="till-7",
        occurred_at=parse_time("2026-11-23T10:15:00.000Z"),
        type="purchase",
        account_id="account-1",
        member_id="member-1",
        order_id="order-1",
        channel="store",
        currency="EUR",
        lines=[PurchaseLine(line_id="1", sku="s", category="c", quantity=1, amount=0)],
    )
    assert parse_transaction(made.model_dump_json().encode()) == made


def test_models_do_not_change() -> None:
    purchase = parse_transaction(wire(examples.PURCHASE))
    with pytest.raises(ValueError, match="frozen"):
        setattr(purchase, "account_id", "account-2")  # noqa: B010 - the type checker refuses the plain form


READERS: list[tuple[Reader[Any], dict[str, Any], type[WireModel], str | None]] = [
    (parse_engagement, examples.ENGAGEMENT, Engagement, "member-1"),
    (parse_member, examples.PROFILE, WireModel, "member-1:profile"),
    (parse_member, examples.CONSENT, WireModel, "member-1:consent"),
    (parse_fraud_signal, examples.SIGNAL, FraudSignal, "account-1"),
    (parse_engagement_context, examples.CONTEXT, EngagementContext, "account-1"),
    (parse_transaction, examples.PURCHASE, Purchase, "account-1"),
    (parse_program_document, document("reward/espresso", version=3), WireModel, "reward/espresso@3"),
    (parse_decision, examples.DECISION, Decision, "account-1"),
    (parse_dead_letter, examples.DEAD_LETTER, DeadLetter, None),
]


@pytest.mark.parametrize(("read", "example", "model", "key"), READERS)
def test_each_topic_has_its_model_and_its_key(
    read: Reader[Any], example: dict[str, Any], model: type[WireModel], key: str | None
) -> None:
    content = read(wire(example))
    assert isinstance(content, model)
    written = json.loads(content.model_dump_json(exclude_unset=True))
    assert written == example
    if key is None:
        with pytest.raises(TypeError, match="no record key"):
            record_key(content)
    else:
        assert record_key(content) == key


@pytest.mark.parametrize("name", BODIES)
def test_a_document_has_the_body_of_its_kind(name: str) -> None:
    read = parse_program_document(wire(document(name)))
    assert json.loads(read.model_dump_json()) == document(name)
    other = "partner/fuel" if name == "reward/espresso" else "reward/espresso"
    with pytest.raises(SchemaViolation):
        parse_program_document(wire({**document(name), "body": BODIES[other]}))


def test_bodies_are_typed() -> None:
    assert isinstance(parse_program_document(wire(document("earning"))).body, EarningBody)
    assert isinstance(parse_program_document(wire(document("tiers"))).body, TiersBody)
    assert isinstance(parse_program_document(wire(document("reward/espresso"))).body, RewardBody)


def test_what_may_be_null_in_a_body_may_be_absent() -> None:
    for name, field in (("earning", "expiry_days"), ("fraud", "unknown_device_outcome")):
        example = document(name)
        off = parse_program_document(wire({**example, "body": {**example["body"], field: None}}))
        assert parse_program_document(wire({**example, "body": without(example["body"], field)})) == off


def test_unknown_fields_of_a_body_are_ignored_on_the_wire() -> None:
    plain = parse_program_document(wire(document("partner/fuel")))
    assert parse_program_document(wire(document("partner/fuel", colour="red"))) == plain


SILVER_FIRST = [
    {"tier": "bronze", "threshold": 1, "earn_bp": 10000},
    {"tier": "silver", "threshold": 2, "earn_bp": 10000},
]
LEVEL_TWICE = [
    {"tier": "bronze", "threshold": 0, "earn_bp": 10000},
    {"tier": "silver", "threshold": 0, "earn_bp": 10000},
]
TIER_TWICE = [
    {"tier": "bronze", "threshold": 0, "earn_bp": 10000},
    {"tier": "bronze", "threshold": 5, "earn_bp": 10000},
]


@pytest.mark.parametrize(
    ("name", "changes", "sentence"),
    [
        ("earning", {"currencies": {"EUR": {"points": 1, "per_minor": 0}}}, "body.currencies.EUR.per_minor should be"),
        ("earning", {"category_bp": {"toys": -1}}, "body.category_bp.toys should be greater than or equal to 0"),
        ("earning", {"pending_days": -1}, "body.pending_days should be greater than or equal to 0"),
        ("tiers", {"levels": []}, "body.levels should have at least one entry"),
        ("tiers", {"levels": SILVER_FIRST}, "body.levels should begin with a level of threshold 0"),
        ("tiers", {"levels": LEVEL_TWICE}, "body.levels should have ascending thresholds"),
        ("tiers", {"levels": TIER_TWICE}, "body.levels should name each tier once"),
        ("tiers", {"window_days": 0}, "body.window_days should be greater than or equal to 1"),
        ("redemption", {"negative_balance": "forgive"}, "body.negative_balance should be 'debt' or 'floor'"),
        ("fraud", {"no_engagement_outcome": None}, "body should have a no_engagement_outcome beside its minutes"),
        ("fraud", {"unknown_device_outcome": "approve"}, "body.unknown_device_outcome should be 'review' or 'deny'"),
        ("campaign/spring", {"triggers": ["purchase"]}, r"body.triggers\[0\] should be"),
        ("reward/espresso", {"points": 0}, "body.points should be greater than or equal to 1"),
    ],
)
def test_a_document_that_makes_no_sense_is_refused(name: str, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SchemaViolation, match=f"The field {sentence}"):
        parse_program_document(wire(document(name, **changes)))


@pytest.mark.parametrize("name", ["", "rewards/espresso", "reward/", "reward", "earning/eu", "tiers@1"])
def test_only_the_contract_s_documents_are_taken(name: str) -> None:
    with pytest.raises(SchemaViolation):
        parse_program_document(wire({**document("reward/espresso"), "document": name}))
    with pytest.raises(SchemaViolation):
        parse_program_document(wire({**document("tiers"), "document": name}))


def test_decisions_hold_numbers_of_any_size() -> None:
    read = parse_decision(wire(examples.DECISION, points=-(10**400)))
    assert read.points == -(10**400)


@pytest.mark.parametrize(
    "changes",
    [
        {"reasons": []},
        {"reasons": [{"code": "velocity:", "detail": "x"}]},
        {"type": "points.lost"},
        {"stream": "other"},
        {"sequence": 0},
        {"subject": {"sku": "x"}},
        {"balance": {**examples.DECISION["balance"], "held": -1}},
        {"cause": {**examples.DECISION["cause"], "timer": "waiting"}},
    ],
)
def test_a_decision_that_the_contract_does_not_know_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(SchemaViolation):
        parse_decision(wire(examples.DECISION, **changes))
