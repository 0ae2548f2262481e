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

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar

import msgspec
import orjson

from loyalty.offers.campaigns import Candidate
from loyalty.program import CAMPAIGN, REMEMBER_QUALIFYING_MS
from loyalty.rules.case import Decided
from loyalty.rules.offers import NO_CONSENT, OFFERED, Limits, decide
from loyalty.state.codec import EntryCodec, Payload, StateEntries
from loyalty.state.sorted_list import SortedList
from loyalty.state.unit_of_work import UnitOfWork
from loyalty.state.used_events import REMEMBER_EVENTS_MS
from loyalty.state.written_list import ListCodec, ListHead
from loyalty.times import DAY_MS, format_time
from loyalty.wire.decisions import Plain
from loyalty.wire.evidence import VERSION, OfferFacts, OfferFigures
from loyalty.wire.json import to_json
from loyalty.wire.sealing import NO_SEAL, seal

E = TypeVar("E", tuple[int, bool], tuple[int, int, str])

REMEMBER_PAST_MS = REMEMBER_QUALIFYING_MS
"""How far back an engagement finds the consent and the tier of its event time: two years."""
REMEMBER_LATE_MS = 366 * DAY_MS
"""How much longer than its window an offer is remembered for the cap: for engagements that come out of order."""
REMEMBER_PUBLISHED_MS = REMEMBER_QUALIFYING_MS
"""The same for one that was read back, which does not say how long the windows of its campaign are."""


class Matched(msgspec.Struct, array_like=True, frozen=True):
    """An engagement that fits at least one campaign, with all that a decision about it depends on but caps and
    budgets."""

    account_id: str
    member_id: str
    event_id: str
    type: str
    occurred_at: int
    used_at: int
    """The member's time when it was used: tells two uses of one `event_id`, 35 days apart, from each other."""
    topic: str
    partition: int
    offset: int
    tier: str
    """The account's tier at `occurred_at`."""
    ledger_sequence: int
    """Of the latest decision of the account's ledger that was known; 0 before there is one."""
    amounts: tuple[int, int, int, int, int]
    """Its balance: pending, available, held, debt, qualifying."""
    balance_tier: str
    candidates: list[Candidate]
    """The campaigns that fit, in the order in which they are considered."""
    timestamp_ms: int = 0
    """Of the record."""


class PublishedOffer(msgspec.Struct, array_like=True, frozen=True):
    """A decision of this job as it was read back."""

    member_id: str
    sequence: int
    event_id: str
    occurred_at: int
    campaign_id: str
    code: str
    """`offered` where it was made, else the reason why not."""
    bonus_points: int
    seal: bytes = b""


class Consented(msgspec.Struct, array_like=True, frozen=True):
    """What a member agreed to at a moment, or withdrew."""

    member_id: str
    occurred_at: int
    offers: bool


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


MATCHED: EntryCodec[Matched] = EntryCodec(Matched, 1)
PUBLISHED_OFFER: Payload[PublishedOffer] = Payload(b"o", EntryCodec(PublishedOffer, 1))
CONSENTED: Payload[Consented] = Payload(b"c", EntryCodec(Consented, 1))
ERASED: Payload[str] = Payload(b"x", EntryCodec(str, 1))
"""The member whose consent is erased."""


class _Made(msgspec.Struct, array_like=True):
    """The offers that one campaign has made to a member."""

    remember_ms: int
    times: list[int]
    """Their `occurred_at`, ascending."""


_PublishedItem = tuple[int, str, str, str]
"""(occurred at, event id, campaign id, code)."""


class _Member(msgspec.Struct, array_like=True):
    sequence: int = 0
    time: int | None = None
    """The highest `occurred_at` of the engagements that were settled."""
    consents: list[tuple[int, bool]] = []
    """Since when (event time, ms) offers are agreed to or not, in order."""
    made: dict[str, _Made] = {}
    published: ListHead[_PublishedItem] = msgspec.field(default_factory=ListHead)
    """Decisions beyond the last checkpoint whose engagement has not come again yet."""
    seal: bytes = b""
    """Of the member's last decision; empty before there is one, or where a release before did not seal."""


def _with_seal(old: list[Any]) -> list[Any]:
    """Version 1 had no seal. The number says that a release before this one would lose it."""
    return old


_MEMBER: EntryCodec[_Member] = EntryCodec(_Member, 2, {1: _with_seal})
_USED: EntryCodec[int] = EntryCodec(int, 1)
_PUBLISHED: ListCodec[_PublishedItem] = ListCodec(ListHead[_PublishedItem], list[_PublishedItem])


class OfferMaker:
    """Settles engagements one by one. Holds no state: all of it is in the entries."""

    def published(self, entries: StateEntries, value: bytes) -> None:
        """Take what `EngagementValidator` passed on for this owner (`Published.value`): a decision of this job that
        is on `loyalty.decisions`, or a member's consent."""
        if value[:1] == CONSENTED.tag:
            _agree(entries, CONSENTED.read(value))
            return
        if value[:1] == ERASED.tag:
            _erase_consents(entries, ERASED.read(value))
            return
        offer = PUBLISHED_OFFER.read(value)
        member = _load(entries, offer.member_id)
        if offer.sequence <= member.sequence:
            return
        member.sequence = offer.sequence
        member.seal = offer.seal
        if offer.code == OFFERED:
            _count(member, offer.campaign_id, offer.occurred_at, REMEMBER_PUBLISHED_MS)
            _use(entries, offer.campaign_id, _used(entries, offer.campaign_id) + offer.bonus_points)
        published = _published(entries, offer.member_id, member)
        published.add((offer.occurred_at, offer.event_id, offer.campaign_id, offer.code))
        published.save()
        entries.put(f"member/{offer.member_id}", _MEMBER.write(member))

    def settle(self, entries: StateEntries, matched: bytes) -> Offers:
        """Decide about every campaign of a match (`Match.matched`)."""
        event = MATCHED.read(matched)
        member = _load(entries, event.member_id)
        member.time = event.occurred_at if member.time is None else max(member.time, event.occurred_at)
        recalled = _recall(entries, member, event)
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
                "in_window": _in_window(member, candidate, event.occurred_at),
                "used_points": _used(entries, candidate.campaign_id),
                "made_instead": made_instead,
            }
            decided = decide(facts, _limits(candidate))
            if decided.outcome == "made":
                made_instead = candidate.campaign_id
                remember_ms = candidate.longest_window_days * DAY_MS + REMEMBER_LATE_MS
                _count(member, candidate.campaign_id, event.occurred_at, remember_ms)
                _use(entries, candidate.campaign_id, facts["used_points"] + candidate.bonus_points)
            decisions.append(_sealed(member, event, candidate, facts, decided))
        _forget(member)
        entries.put(f"member/{event.member_id}", _MEMBER.write(member))
        return Offers(decisions)


def _load(entries: StateEntries, member_id: str) -> _Member:
    raw = entries.get(f"member/{member_id}")
    return _Member() if raw is None else _MEMBER.read(raw)


def _agree(entries: StateEntries, consented: Consented) -> None:
    """Of two of one moment the last to arrive counts."""
    member = _load(entries, consented.member_id)
    consents = [entry for entry in member.consents if entry[0] != consented.occurred_at]
    insort(consents, (consented.occurred_at, consented.offers))
    member.consents = pruned(consents)
    entries.put(f"member/{consented.member_id}", _MEMBER.write(member))


def _erase_consents(entries: StateEntries, member_id: str) -> None:
    """The member has said nothing, as far as this job knows."""
    member = _load(entries, member_id)
    if member.consents:
        member.consents = []
        entries.put(f"member/{member_id}", _MEMBER.write(member))


def latest(entries: list[E], moment: int) -> E | None:
    """The last entry that is not after `moment`; each begins with the moment since when it holds."""
    at = bisect_right(entries, moment, key=lambda entry: entry[0])
    return entries[at - 1] if at else None


def pruned(entries: list[E]) -> list[E]:
    """Without what was replaced more than two years before the newest entry."""
    since = entries[-1][0] - REMEMBER_PAST_MS
    first = 0
    while first + 1 < len(entries) and entries[first + 1][0] <= since:
        first += 1
    return entries[first:]


def _used(entries: StateEntries, campaign_id: str) -> int:
    raw = entries.get(f"campaign/{campaign_id}")
    return 0 if raw is None else _USED.read(raw)


def _use(entries: StateEntries, campaign_id: str, points: int) -> None:
    entries.put(f"campaign/{campaign_id}", _USED.write(points))


def _count(member: _Member, campaign_id: str, at: int, remember_ms: int) -> None:
    made = member.made.setdefault(campaign_id, _Made(remember_ms, []))
    made.remember_ms = max(made.remember_ms, remember_ms)
    insort(made.times, at)


def _in_window(member: _Member, candidate: Candidate, at: int) -> int:
    """How many offers lie in the fullest window, of those that an offer at `at` would lie in: that which ends then, or,
    when the engagement comes out of order, one that ends with a later offer."""
    made = member.made.get(candidate.campaign_id)
    if made is None:
        return 0
    times = made.times
    window = candidate.window_days * DAY_MS
    later = bisect_right(times, at)
    behind = bisect_left(times, at + window)
    ends = [at, *times[later:behind]]
    return max(bisect_right(times, end) - bisect_right(times, end - window) for end in ends)


def _forget(member: _Member) -> None:
    """Offers that no cap can count any more, by the member's own time."""
    assert member.time is not None
    for campaign_id, made in list(member.made.items()):
        over = bisect_right(made.times, member.time - made.remember_ms)
        if over == len(made.times):
            del member.made[campaign_id]
        else:
            del made.times[:over]


def _published(entries: StateEntries, member_id: str, member: _Member) -> SortedList[_PublishedItem]:
    return SortedList(f"published/{member_id}", _PUBLISHED, UnitOfWork(entries), member.published)


def _recall(entries: StateEntries, member: _Member, event: Matched) -> dict[str, str]:
    """What was published about this engagement before a crash, by campaign; from now on that is settled."""
    if not member.published.front and not member.published.numbers:
        return {}
    assert member.time is not None
    published = _published(entries, event.member_id, member)
    decided = {}
    use = (event.occurred_at, event.event_id)
    while (item := published.at_or_after(use)) is not None and item[:2] == use:
        published.remove(item)
        decided[item[2]] = item[3]
    while (item := published.first()) is not None and item[0] + REMEMBER_EVENTS_MS <= member.time:
        published.remove(item)
    published.save()
    return decided


def _limits(candidate: Candidate) -> Limits:
    return Limits(candidate.max_per_member, candidate.window_days, candidate.bonus_points, candidate.budget_points)


def _sealed(member: _Member, event: Matched, candidate: Candidate, facts: OfferFacts, decided: Decided) -> Plain:
    """The member's next decision (contract §5). The id is a digest of the engagement and the campaign, and of nothing
    that another run could see differently."""
    identity = orjson.dumps(
        (event.account_id, event.member_id, event.event_id, event.used_at, event.occurred_at, candidate.campaign_id)
    )
    pending, available, held, debt, qualifying = event.amounts
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
        "evidence": {"version": VERSION, "late": False, **facts, **figures},
    }
    member.seal = seal(member.seal or NO_SEAL, decision)
    decision["seal"] = member.seal.hex()
    cause["partition"] = event.partition
    cause["offset"] = event.offset
    decision["decided_at"] = None
    return decision
