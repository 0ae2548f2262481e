"""Reference facts about an account: members, fraud signals, engagement context (contract §3), and offers that were
made to its members (§4)."""

from __future__ import annotations

from loyalty.program import CAMPAIGN, Program
from loyalty.records import Record, erasure_of
from loyalty.state import made_offers
from loyalty.state.account import Account
from loyalty.state.entries import Facts, Offer, Signal
from loyalty.times import DAY_MS
from loyalty.wire import context, decisions, fraud, members
from loyalty.wire.context import EngagementContext
from loyalty.wire.decisions import Decision
from loyalty.wire.fraud import FraudSignal
from loyalty.wire.members import MemberConsent, MemberProfile
from loyalty.wire.reading import Reader, SchemaViolation

READERS: dict[
    str,
    Reader[FraudSignal] | Reader[MemberProfile | MemberConsent] | Reader[EngagementContext] | Reader[Decision],
] = {
    members.TOPIC: members.parse_member,
    fraud.TOPIC: fraud.parse_fraud_signal,
    context.TOPIC: context.parse_engagement_context,
    decisions.TOPIC: decisions.parse_decision,
}
REFERENCE_TOPICS = frozenset(READERS)

REMEMBER_SIGNALS_MS = 35 * DAY_MS
"""A signal is dropped this long after it expired, by the account's time: for events that come out of order."""
SIGNALS_MAX = 250
"""So many signals of an account are remembered; of more, those that expire last. One that says no more than another
of its name (live no longer, no higher) is not among them."""


def is_made_offer(decision: Decision) -> bool:
    """Whether a decision is an offer that was made, which a purchase may take up; all others are nobody's facts.

    Raises SchemaViolation for one that does not say whose it is, or what it offers.
    """
    if decision.type != "offer.decided" or decision.outcome != "made":
        return False
    if decision.member_id is None:
        raise SchemaViolation("The field member_id of an offer should not be null.")
    if "offer_id" not in decision.subject:
        raise SchemaViolation("The field subject of an offer should name its offer_id.")
    if _campaign(decision) is None:
        raise SchemaViolation("The field rules of an offer should name its campaign.")
    return True


def _campaign(decision: Decision) -> tuple[str, int] | None:
    """The campaign (id, version) of an offer."""
    for document, version in decision.rules.items():
        if document.startswith(CAMPAIGN):
            return document[len(CAMPAIGN) :], version
    return None


def learn_fact(account: Account, record: Record, program: Program) -> None:
    """Keep a reference record that passed its checks. Of a member's profile, and of the context, the last to arrive
    counts."""
    if record.value is None:
        _erase(account, record)
        return
    fact = READERS[record.topic](record.value)
    if isinstance(fact, Decision):
        _learn_offer(account, program, fact)
        return
    if isinstance(fact, MemberConsent):
        return  # what a member agreed to is asked where offers are made
    facts = account.facts()
    if isinstance(fact, FraudSignal):
        _add_signal(account, facts, fact)
    elif isinstance(fact, EngagementContext):
        facts.last_engaged_at = fact.last_engaged_at
        facts.devices = dict(fact.devices)
    elif isinstance(fact, MemberProfile):
        facts.known_devices[fact.member_id] = list(fact.known_devices or ())
    account.put_facts(facts)


def _erase(account: Account, record: Record) -> None:
    """A profile is forgotten, as if it had never come."""
    facts = account.facts()
    if facts.known_devices.pop(erasure_of(record).member_id, None) is not None:
        account.put_facts(facts)


def _add_signal(account: Account, facts: Facts, fact: FraudSignal) -> None:
    time = account.core.time
    new = Signal(fact.event_id, fact.signal, fact.score, fact.occurred_at, fact.expires_at)
    others = [
        signal
        for signal in facts.signals
        if signal.event_id != new.event_id
        and (time is None or signal.expires_at + REMEMBER_SIGNALS_MS > time)
        and not _says_no_more(signal, new)
    ]
    if not any(_says_no_more(new, signal) for signal in others):
        others.append(new)
    if len(others) > SIGNALS_MAX:
        others.remove(min(others, key=lambda signal: signal.expires_at))
    facts.signals = others


def _says_no_more(one: Signal, other: Signal) -> bool:
    """Whether, at any moment, the highest live score of their name is the same without `one`."""
    return (
        one.signal == other.signal
        and one.score <= other.score
        and other.occurred_at <= one.occurred_at
        and one.expires_at <= other.expires_at
    )


def _learn_offer(account: Account, program: Program, decision: Decision) -> None:
    campaign = _campaign(decision)
    assert campaign is not None
    assert decision.member_id is not None
    offer = Offer(decision.decision_id, *campaign, decision.subject["offer_id"], decision.occurred_at)
    made_offers.learn(account, program, decision.member_id, offer)
    account.save()
