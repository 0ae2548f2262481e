"""Offers are made here (`make-offers`, one instance): the single owner of every budget and every cap.

Members are keyed and a budget is global. So what an engagement may lead to is found in parallel
(`loyalty.offers.matching`), and what becomes of it is settled in one place, in order of arrival: a budget can never be
overspent, and none of it is set aside for somebody who does not come for it. Only engagements that fit a campaign come
here.

StateEntries:

| Entry | Content | Kept until |
|---|---|---|
| `campaign/<id>` | points that its offers have used | always |
| `member/<id>` | the member's sequence, time, consents, and when which campaign made offers | always; see below |
| `published/<member_id>/<n>` | chunks of what was published before a crash | its engagement comes, or 35 days |

An offer is remembered for the longest window of its campaign's cap and a year more, by the member's time; a consent for
two years after another took its place. Consent is the member's, whatever account an engagement names.

**After a crash** the job goes on from its last checkpoint and reads again the engagements since (contract §4, *What was
published stays decided*). The decisions that it had made of them are, up to some point of each member's, on
`loyalty.decisions` already, and who gets the last points of a budget depends on the order in which members come, which
no restart repeats. So the job reads its own decisions back. One whose sequence the member has reached is known; one
beyond it was made after that checkpoint and stays decided: it uses the budget, counts for the cap, raises the sequence,
and when its engagement comes again it is not made again.

The decision itself is `loyalty.rules.offers.decide`.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from loyalty.offers import member as members
from loyalty.offers.as_of import latest
from loyalty.offers.campaigns import Candidate
from loyalty.offers.member import Member
from loyalty.offers.payloads import CONSENTED, ERASED, MATCHED, PUBLISHED_OFFER, Matched, PublishedOffer
from loyalty.program import CAMPAIGN, REMEMBER_QUALIFYING_MS
from loyalty.rules.case import Decided
from loyalty.rules.offers import NO_CONSENT, OFFERED, Limits, decide
from loyalty.state.codec import EntryCodec, StateEntries
from loyalty.times import DAY_MS, format_time
from loyalty.wire.decisions import Plain
from loyalty.wire.evidence import VERSION, OfferFacts, OfferFigures
from loyalty.wire.json import to_json
from loyalty.wire.sealing import NO_SEAL, seal

REMEMBER_LATE_MS = 366 * DAY_MS
"""How much longer than its window an offer is remembered for the cap: for engagements that come out of order."""
REMEMBER_PUBLISHED_MS = REMEMBER_QUALIFYING_MS
"""The same for one that was read back, which does not say how long the windows of its campaign are."""

_USED: EntryCodec[int] = EntryCodec(int, 1)


class Offers(NamedTuple):
    """The decisions that an engagement made, in order; `decided_at` is still open."""

    decisions: list[dict[str, Any]]

    def encode(self, decided_at_ms: int) -> Iterable[bytes]:
        """Each decision as the JSON of contract §5; `decided_at` is the caller's wall clock. Its record's key is
        `account_id`."""
        decided_at = format_time(decided_at_ms)
        for decision in self.decisions:
            decision["decided_at"] = decided_at
            yield to_json(decision)


class OfferMaker:
    """Settles engagements one by one. Holds no state: all of it is in the entries."""

    def published(self, entries: StateEntries, value: bytes) -> None:
        """Take what `EngagementValidator` passed on for this owner (`Published.value`): a decision of this job that
        is on `loyalty.decisions`, or a member's consent."""
        if value[:1] == CONSENTED.tag:
            members.agree(entries, CONSENTED.read(value))
        elif value[:1] == ERASED.tag:
            members.erase_consents(entries, ERASED.read(value))
        else:
            _read_back(entries, PUBLISHED_OFFER.read(value))

    def settle(self, entries: StateEntries, matched: bytes) -> Offers:
        """Decide about every campaign of a match (`Match.matched`)."""
        event = MATCHED.read(matched)
        member = members.load(entries, event.member_id)
        member.time = event.occurred_at if member.time is None else max(member.time, event.occurred_at)
        recalled = members.recall(entries, member, event)
        consent = latest(member.consents, event.occurred_at)
        agreed = None if consent is None else consent[1]
        if NO_CONSENT in recalled.values():  # by what was known then; the rest follows suit
            agreed = False
        made_instead = next((campaign for campaign, code in recalled.items() if code == OFFERED), None)
        decisions = []
        for candidate in event.candidates:
            if candidate.campaign_id in recalled:
                continue
            facts: OfferFacts = {
                "campaign_id": candidate.campaign_id,
                "offers_agreed": agreed,
                "in_window": members.in_window(member, candidate, event.occurred_at),
                "used_points": _used(entries, candidate.campaign_id),
                "made_instead": made_instead,
            }
            decided = decide(facts, _limits(candidate))
            if decided.outcome == "made":
                made_instead = candidate.campaign_id
                remember_ms = candidate.longest_window_days * DAY_MS + REMEMBER_LATE_MS
                members.count_offer(member, candidate.campaign_id, event.occurred_at, remember_ms)
                _use(entries, candidate.campaign_id, candidate.bonus_points)
            decisions.append(_sealed(member, event, candidate, _evidence(event, candidate, facts), decided))
        members.forget_offers(member)
        members.keep(entries, event.member_id, member)
        return Offers(decisions)


def _read_back(entries: StateEntries, offer: PublishedOffer) -> None:
    """A decision of this job is on its topic. One that the member has not reached stays decided."""
    member = members.load(entries, offer.member_id)
    if offer.sequence <= member.sequence:
        return
    member.sequence = offer.sequence
    member.seal = offer.seal
    if offer.code == OFFERED:
        members.count_offer(member, offer.campaign_id, offer.occurred_at, REMEMBER_PUBLISHED_MS)
        _use(entries, offer.campaign_id, offer.bonus_points)
    members.note_published(entries, member, offer)
    members.keep(entries, offer.member_id, member)


def _used(entries: StateEntries, campaign_id: str) -> int:
    """The points that a campaign's offers have used of its budget."""
    raw = entries.get(f"campaign/{campaign_id}")
    return 0 if raw is None else _USED.read(raw)


def _use(entries: StateEntries, campaign_id: str, points: int) -> None:
    entries.put(f"campaign/{campaign_id}", _USED.write(_used(entries, campaign_id) + points))


def _limits(candidate: Candidate) -> Limits:
    return Limits(candidate.max_per_member, candidate.window_days, candidate.bonus_points, candidate.budget_points)


def _evidence(event: Matched, candidate: Candidate, facts: OfferFacts) -> Plain:
    figures: OfferFigures = {
        "trigger": event.type,
        "tier": event.tier,
        "ledger_sequence": event.ledger_sequence,
        "priority": candidate.priority,
        "offer": {
            "offer_id": candidate.offer_id,
            "bonus_points": candidate.bonus_points,
            "min_amount": candidate.min_amount,
            "valid_days": candidate.valid_days,
        },
    }
    return {"version": VERSION, "late": False, **facts, **figures}


def _sealed(member: Member, event: Matched, candidate: Candidate, evidence: Plain, decided: Decided) -> Plain:
    """The member's next decision (contract §5). The id is a digest of the engagement and the campaign, and of nothing
    that another run could see differently."""
    identity = orjson.dumps(
        (event.account_id, event.member_id, event.event_id, event.used_at, event.occurred_at, candidate.campaign_id)
    )
    pending, available, held, debt, qualifying = event.amounts
    member.sequence += 1
    cause: Plain = {"event_id": event.event_id, "topic": event.topic}
    decision: Plain = {
        "decision_id": blake2b(identity, digest_size=16).hexdigest(),
        "stream": "offers",
        "sequence": member.sequence,
        "type": "offer.decided",
        "outcome": decided.outcome,
        "account_id": event.account_id,
        "member_id": event.member_id,
        "subject": {"offer_id": candidate.offer_id},
        "occurred_at": format_time(event.occurred_at),
        "points": 0,
        "balance": {
            "pending": pending,
            "available": available,
            "held": held,
            "debt": debt,
            "qualifying": qualifying,
            "tier": event.balance_tier,
        },
        "reasons": decided.reasons,
        "cause": cause,
        "rules": {f"{CAMPAIGN}{candidate.campaign_id}": candidate.version},
        "evidence": evidence,
    }
    member.seal = seal(member.seal or NO_SEAL, decision)
    decision["seal"] = member.seal.hex()
    cause["partition"] = event.partition
    cause["offset"] = event.offset
    decision["decided_at"] = None
    return decision
