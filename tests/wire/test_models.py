from __future__ import annotations

import json
from collections.abc import Callable
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


LONG: dict[str, tuple[Reader[Any], dict[str, Any], dict[str, int]]] = {
    "purchase": (
        parse_transaction,
        examples.PURCHASE,
        dict.fromkeys(("event_id", "source", "account_id", "member_id", "order_id", "store_id", "partner_id"), 128)
        | dict.fromkeys(("payment_id", "device_id"), 128),
    ),
    "adjustment": (parse_transaction, examples.ADJUSTMENT, {"reason": 500, "operator": 128}),
    "request": (
        parse_transaction,
        examples.REQUESTED,
        dict.fromkeys(("redemption_id", "reward_id", "device_id", "campaign_id"), 128),
    ),
    "engagement": (
        parse_engagement,
        examples.ENGAGEMENT,
        dict.fromkeys(("event_id", "account_id", "channel", "campaign_id", "device_id", "session_id"), 128),
    ),
    "profile": (parse_member, examples.PROFILE, {"name": 256, "birth_date": 128, "home_store": 128, "member_id": 128}),
    "consent": (parse_member, examples.CONSENT, {"member_id": 128}),
    "signal": (parse_fraud_signal, examples.SIGNAL, {"signal": 64, "account_id": 128}),
    "context": (parse_engagement_context, examples.CONTEXT, {"account_id": 128}),
    "document": (parse_program_document, document("reward/espresso"), {"event_id": 128, "source": 128}),
}


@pytest.mark.parametrize("kind", LONG)
def test_a_text_has_at_most_as_many_characters_as_the_contract_gives_it(kind: str) -> None:
    read, example, limits = LONG[kind]
    for field, most in limits.items():
        for letter in "xé😀":
            read(wire(example, **{field: letter * most}))
            with pytest.raises(SchemaViolation, match=f"The field {field} should have at most {most} characters\\."):
                read(wire(example, **{field: letter * (most + 1)}))


LINE = examples.PURCHASE["lines"][0]
BACK = examples.REFUND["lines"][0]
LEVEL = BODIES["tiers"]["levels"][0]
RULE = BODIES["fraud"]["velocity"][0]
OFFER = BODIES["campaign/spring"]["offer"]


def purchase(**changes: Any) -> dict[str, Any]:
    return {**examples.PURCHASE, "lines": [{**LINE, **changes}]}


PARTS: list[tuple[Reader[Any], Callable[[str], dict[str, Any]], int, str]] = [
    (parse_transaction, lambda text: purchase(line_id=text), 64, "lines[0].line_id"),
    (parse_transaction, lambda text: purchase(sku=text), 64, "lines[0].sku"),
    (parse_transaction, lambda text: purchase(category=text), 64, "lines[0].category"),
    (parse_member, lambda text: {**examples.PROFILE, "known_devices": [text]}, 128, "known_devices[0]"),
    (
        parse_program_document,
        lambda text: document("tiers", levels=[{**LEVEL, "tier": text}]),
        64,
        "body.levels[0].tier",
    ),
    (
        parse_program_document,
        lambda text: document("fraud", velocity=[{**RULE, "name": text}]),
        64,
        "body.velocity[0].name",
    ),
    (parse_program_document, lambda text: document("campaign/spring", tiers=[text]), 64, "body.tiers[0]"),
    (
        parse_program_document,
        lambda text: document("campaign/spring", offer={**OFFER, "offer_id": text}),
        128,
        "body.offer.offer_id",
    ),
    (
        parse_program_document,
        lambda text: {**document("reward/espresso"), "document": f"reward/{text}"},
        121,
        "document",
    ),
]


@pytest.mark.parametrize(("read", "make", "most", "field"), PARTS, ids=[part[3] for part in PARTS])
def test_parts_of_a_record_have_limits_too(
    read: Reader[Any], make: Callable[[str], dict[str, Any]], most: int, field: str
) -> None:
    read(wire(make("x" * most)))
    with pytest.raises(SchemaViolation) as refused:
        read(wire(make("x" * (most + 1))))
    assert str(refused.value).startswith(f"The field {field} should have at most ")


def test_the_name_of_a_category_has_a_limit() -> None:
    parse_program_document(wire(document("earning", category_bp={"x" * 64: 1})))
    with pytest.raises(SchemaViolation, match="should have at most 64 characters"):
        parse_program_document(wire(document("earning", category_bp={"x" * 65: 1})))


def levels(count: int) -> list[dict[str, Any]]:
    return [{"tier": str(number), "threshold": number, "earn_bp": 1} for number in range(count)]


def lines(count: int) -> list[dict[str, Any]]:
    return [{**LINE, "line_id": str(number)} for number in range(count)]


LISTS: list[tuple[Reader[Any], Callable[[int], dict[str, Any]], int, str]] = [
    (parse_transaction, lambda count: {**examples.PURCHASE, "lines": lines(count)}, 4000, "lines"),
    (parse_transaction, lambda count: {**examples.REFUND, "lines": [BACK] * count}, 4000, "lines"),
    (parse_member, lambda count: {**examples.PROFILE, "known_devices": ["d"] * count}, 1000, "known_devices"),
    (parse_program_document, lambda count: document("fraud", velocity=[RULE] * count), 1000, "body.velocity"),
    (
        parse_program_document,
        lambda count: document("campaign/spring", triggers=["click"] * count),
        1000,
        "body.triggers",
    ),
    (parse_program_document, lambda count: document("campaign/spring", tiers=["a"] * count), 1000, "body.tiers"),
    (parse_program_document, lambda count: document("tiers", levels=levels(count)), 1000, "body.levels"),
]


@pytest.mark.parametrize(("read", "make", "most", "field"), LISTS)
def test_a_list_has_at_most_as_many_entries_as_the_contract_gives_it(
    read: Reader[Any], make: Callable[[int], dict[str, Any]], most: int, field: str
) -> None:
    read(wire(make(most)))
    with pytest.raises(SchemaViolation, match=f"The field {field} should have at most {most} entries\\."):
        read(wire(make(most + 1)))


def test_an_offer_may_name_its_currency() -> None:
    offer = without(BODIES["campaign/spring"]["offer"], "currency")
    for named in ({}, {"currency": None}, {"currency": "JPY"}):
        parse_program_document(wire(document("campaign/spring", offer={**offer, **named})))
    with pytest.raises(SchemaViolation, match=r"The field body.offer.currency should be like \^\[A-Z\]"):
        parse_program_document(wire(document("campaign/spring", offer={**offer, "currency": "yen"})))


def test_decisions_of_the_first_edition_had_no_limits_and_stay_readable() -> None:
    parse_decision(wire(examples.DECISION, decision_id="x" * 1000, account_id="x" * 1000))


SECRETS = ["Zoë Quist", "1987-06-05", 19870605, "device-of-zoe", ["device-of-zoe"], {"first": "Zoë"}, "", "x" * 300]


def sentence_of(read: Reader[Any], value: bytes) -> str:
    """Why it is refused; nothing where it is taken."""
    try:
        read(value)
    except SchemaViolation as refused:
        return str(refused)
    return ""


@pytest.mark.parametrize("field", ["name", "birth_date", "home_store", "joined_at", "known_devices"])
@pytest.mark.parametrize("secret", SECRETS, ids=str)
def test_no_sentence_repeats_what_a_personal_field_holds(field: str, secret: Any) -> None:
    for held in (secret, [secret, 5]):
        sentence = sentence_of(parse_member, wire(examples.PROFILE, **{field: held}))
        assert len(sentence) < 200
        for part in ("Zo", "Quist", "1987", "0605", "xxx", "device-of"):
            assert part not in sentence


def test_no_sentence_repeats_a_device() -> None:
    for devices in ({"device-of-zoe": "yesterday"}, {"device-of-zoe": 7}, {"z" * 200: "2026-11-23T10:00:00.000Z"}):
        with pytest.raises(SchemaViolation, match=r"The field devices\[…\] should") as refused:
            parse_engagement_context(wire(examples.CONTEXT, devices=devices))
        assert "zoe" not in str(refused.value)
        assert "zzz" not in str(refused.value)
        assert "yesterday" not in str(refused.value)
    for device in (4711_0815, {"id": "zoe"}, "z" * 200):
        with pytest.raises(SchemaViolation, match="The field device_id should") as refused:
            parse_transaction(wire(examples.REQUESTED, device_id=device))
        assert "4711" not in str(refused.value)
        assert "zoe" not in str(refused.value)
        assert "zzz" not in str(refused.value)


def test_a_long_key_is_cut_in_a_sentence() -> None:
    with pytest.raises(SchemaViolation, match="…") as refused:
        parse_program_document(wire(document("earning", category_bp={"x" * 100_000: "y" * 100_000})))
    assert len(str(refused.value)) < 300
