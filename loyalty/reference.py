"""Reference facts about an account: members, fraud signals, engagement context (contract §3)."""

from __future__ import annotations

from loyalty.account import Account, Facts, Signal
from loyalty.records import Record
from loyalty.times import DAY_MS
from loyalty.wire import context, fraud, members
from loyalty.wire.context import EngagementContext
from loyalty.wire.fraud import FraudSignal
from loyalty.wire.members import MemberConsent, MemberProfile
from loyalty.wire.reading import Reader

READERS: dict[str, Reader[FraudSignal] | Reader[MemberProfile | MemberConsent] | Reader[EngagementContext]] = {
    members.TOPIC: members.parse_member,
    fraud.TOPIC: fraud.parse_fraud_signal,
    context.TOPIC: context.parse_engagement_context,
}
REFERENCE_TOPICS = frozenset(READERS)

REMEMBER_SIGNALS_MS = 35 * DAY_MS
"""A signal is dropped this long after it expired, by the account's time: for events that come out of order."""


def learn_fact(account: Account, record: Record) -> None:
    """Keep a reference record that passed its checks. Of a member's profile, and of the context, the last to arrive
    counts."""
    fact = READERS[record.topic](record.value)
    facts = account.facts()
    if isinstance(fact, FraudSignal):
        _add_signal(account, facts, fact)
    elif isinstance(fact, EngagementContext):
        facts.last_engaged_at = fact.last_engaged_at
        facts.devices = dict(fact.devices)
    elif isinstance(fact, MemberProfile):
        facts.known_devices[fact.member_id] = list(fact.known_devices or ())
    else:
        facts.consents[fact.member_id] = (fact.occurred_at, fact.offers, fact.profiling)
    account.put_facts(facts)


def _add_signal(account: Account, facts: Facts, fact: FraudSignal) -> None:
    time = account.core.time
    signals = [
        signal
        for signal in facts.signals
        if signal.event_id != fact.event_id and (time is None or signal.expires_at + REMEMBER_SIGNALS_MS > time)
    ]
    signals.append(Signal(fact.event_id, fact.signal, fact.score, fact.occurred_at, fact.expires_at))
    facts.signals = signals
