"""What an engagement may lead to (`match-campaigns`, keyed by account): the campaigns that it fits, by the account's
tier as it was at its event time.

StateEntries of an account:

| Entry | Content | Kept until |
|---|---|---|
| `ledger` | its latest decision's sequence and balance; the tiers held, by event time | always; tiers: two years |
| `engaged/<member_id>` | the member's time, and when to forget the events below | always |
| `seen/…/<event_id>` | the digest of an engagement that decided something | 35 days of the member's time |
| `forget/<member_id>/<n>` | further entries of what to forget when | empty |

A member's *time* is the highest `occurred_at` of the engagements that decided something. Engagements come in order for
each member only (contract §1), so duplicates are known member by member, and a replay knows the same ones.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from loyalty.offers.again import SENT_AGAIN, SentAgain
from loyalty.offers.as_of import latest, pruned
from loyalty.offers.campaigns import Campaigns
from loyalty.offers.payloads import MATCHED, Matched
from loyalty.records import Record, Refused, dead_letter, letter_key
from loyalty.state.codec import EntryCodec, Payload, StateEntries
from loyalty.state.sorted_list import SortedList
from loyalty.state.unit_of_work import UnitOfWork
from loyalty.state.used_events import REMEMBER_EVENTS_MS
from loyalty.state.written_list import ListCodec, ListHead
from loyalty.wire.content import content_digest
from loyalty.wire.program import ProgramDocument

TIERS_KEPT_APART = 8
"""Decisions of a ledger come in sequence (contract §1), but for those that are sent again after a crash."""

Amounts = tuple[int, int, int, int, int]
"""Pending, available, held, debt, qualifying."""


class Engaged(msgspec.Struct, array_like=True, frozen=True):
    """An engagement that passed its checks and fits the trigger and the dates of some campaign."""

    event_id: str
    member_id: str
    type: str
    occurred_at: int
    record: Record


class LedgerNews(msgspec.Struct, array_like=True, frozen=True):
    """What a decision of the account's ledger says of its balance and its tier."""

    sequence: int
    occurred_at: int
    amounts: Amounts
    tier: str


ENGAGED: Payload[Engaged] = Payload(b"e", EntryCodec(Engaged, 1))
LEDGER_NEWS: Payload[LedgerNews] = Payload(b"l", EntryCodec(LedgerNews, 1))


class Ledger(msgspec.Struct, array_like=True):
    """What is known of an account's ledger."""

    sequence: int
    amounts: Amounts
    tier: str
    tiers: list[tuple[int, int, str]]
    """Since when (event time, ms), by the decision of which sequence, which tier is held; both ascending."""


Forget = tuple[int, str]
"""(forget at, event id)."""


class MemberTime(msgspec.Struct, array_like=True):
    """A member's time, and when to forget the engagements that decided something."""

    time: int
    forget: ListHead[Forget] = msgspec.field(default_factory=ListHead)


class UsedEvent(msgspec.Struct, array_like=True):
    digest: bytes
    used_at: int
    """The member's time at its first use."""


LEDGER: EntryCodec[Ledger] = EntryCodec(Ledger, 1)
LEDGER_ENTRY = "ledger"
"""The entry that every engagement which fits a campaign reads, and every decision of the ledger."""
MEMBER_TIME: EntryCodec[MemberTime] = EntryCodec(MemberTime, 1)
SEEN: EntryCodec[UsedEvent] = EntryCodec(UsedEvent, 1)
FORGET: ListCodec[Forget] = ListCodec(ListHead[Forget], list[Forget])


class Match(NamedTuple):
    """What `Matcher.receive` made of a payload."""

    matched: bytes | None
    """For `OfferMaker.settle`; None where there is nothing to settle."""
    dead_letters: list[tuple[bytes | None, dict[str, Any]]]
    """(key as received, content) of each."""
    fate: str
    """`used`, `unmatched` (it fits no campaign), `duplicate`, `dead_letter`, or `reference` for what is no
    engagement."""
    again: bytes | None = None
    """Of a duplicate: what `loyalty.offers.again` reads."""


_REFERENCE = Match(None, [], "reference")
_UNMATCHED = Match(None, [], "unmatched")


class Matcher:
    """Matches engagements with campaigns, account by account. Holds no state of any account."""

    def __init__(self) -> None:
        self._campaigns = Campaigns()

    def learn(self, document: ProgramDocument) -> None:
        """A document counts from now on."""
        self._campaigns.learn(document)

    def receive(self, account_id: str, entries: StateEntries, payload: bytes) -> Match:
        """Take what `EngagementValidator` passed on for this account."""
        if payload[:1] == LEDGER_NEWS.tag:
            _hear(entries, LEDGER_NEWS.read(payload))
            return _REFERENCE
        return self._engage(account_id, entries, ENGAGED.read(payload))

    def record_of(self, payload: bytes) -> Record | None:
        """The engagement that `EngagementValidator` passed on; None for what is made of a decision."""
        return ENGAGED.read(payload).record if payload[:1] == ENGAGED.tag else None

    def _engage(self, account_id: str, entries: StateEntries, engaged: Engaged) -> Match:
        at = engaged.occurred_at
        fitting = self._campaigns.fitting(engaged.type, at)
        if not fitting:
            return _UNMATCHED
        member = _Member(entries, engaged.member_id)
        value = engaged.record.value
        assert value is not None
        digest = content_digest(value)
        seen = member.seen(engaged.event_id)
        if seen is not None:
            if seen == digest:
                return Match(None, [], "duplicate", _sent_again(account_id, engaged))
            refused = Refused(
                "conflicting_duplicate", f"Event {engaged.event_id} has been used already, with other content."
            )
            letter = dead_letter(engaged.record, refused)
            return Match(None, [(letter_key(engaged.record), letter)], "dead_letter")
        raw = entries.get(LEDGER_ENTRY)
        ledger = None if raw is None else LEDGER.read(raw)
        held = None if ledger is None else latest(ledger.tiers, at)
        tier = self._campaigns.first_tier(at) if held is None else held[2]
        candidates = [one for one in fitting if not one.tiers or tier in one.tiers]
        if not candidates:
            return _UNMATCHED
        used_at = member.use(engaged.event_id, digest, at)
        matched = Matched(
            account_id=account_id,
            member_id=engaged.member_id,
            event_id=engaged.event_id,
            type=engaged.type,
            occurred_at=at,
            used_at=used_at,
            topic=engaged.record.topic,
            partition=engaged.record.partition,
            offset=engaged.record.offset,
            tier=tier,
            ledger_sequence=0 if ledger is None else ledger.sequence,
            amounts=(0, 0, 0, 0, 0) if ledger is None else ledger.amounts,
            balance_tier=self._campaigns.first_tier(at) if ledger is None else ledger.tier,
            candidates=candidates,
            timestamp_ms=engaged.record.timestamp_ms,
        )
        return Match(MATCHED.write(matched), [], "used")


class _Member:
    """What is kept of one member's engagements."""

    def __init__(self, entries: StateEntries, member_id: str) -> None:
        self._entries = entries
        self._member_id = member_id
        raw = entries.get(f"engaged/{member_id}")
        self._kept = None if raw is None else MEMBER_TIME.read(raw)

    def _entry_of(self, event_id: str) -> str:
        # An id may hold slashes; the length keeps one member's entries apart from another's.
        return f"seen/{len(self._member_id)}/{self._member_id}/{event_id}"

    def seen(self, event_id: str) -> bytes | None:
        """The digest of an event that was used within the last 35 days of the member's time."""
        if self._kept is None:
            return None
        raw = self._entries.get(self._entry_of(event_id))
        if raw is None:
            return None
        seen = SEEN.read(raw)
        return seen.digest if self._kept.time < seen.used_at + REMEMBER_EVENTS_MS else None

    def use(self, event_id: str, digest: bytes, occurred_at: int) -> int:
        """The member's time moves on, and is given; what is over is forgotten."""
        kept = self._kept
        if kept is None:
            kept = self._kept = MemberTime(occurred_at)
        kept.time = time = max(kept.time, occurred_at)
        entries = self._entries
        entries.put(self._entry_of(event_id), SEEN.write(UsedEvent(digest, time)))
        forget = SortedList(f"forget/{self._member_id}", FORGET, UnitOfWork(entries), kept.forget)
        forget.add((time + REMEMBER_EVENTS_MS, event_id))
        while (item := forget.first()) is not None and item[0] <= time:
            forget.remove(item)
            entries.remove(self._entry_of(item[1]))  # it can be used again only once this is done
        forget.save()
        entries.put(f"engaged/{self._member_id}", MEMBER_TIME.write(kept))
        return time


def _sent_again(account_id: str, engaged: Engaged) -> bytes:
    record = engaged.record
    return SENT_AGAIN.write(
        SentAgain(account_id, engaged.member_id, engaged.event_id, record.partition, record.offset, record.timestamp_ms)
    )


def _hear(entries: StateEntries, news: LedgerNews) -> None:
    """A decision of the ledger. Its sequence tells one that comes again, after a crash of the job that made it."""
    raw = entries.get(LEDGER_ENTRY)
    at, sequence = news.occurred_at, news.sequence
    ledger = Ledger(sequence, news.amounts, news.tier, []) if raw is None else LEDGER.read(raw)
    if sequence > ledger.sequence:
        ledger.sequence, ledger.amounts, ledger.tier = sequence, news.amounts, news.tier
    # Of those that are not after a moment the one with the highest sequence says the tier. So an entry counts for
    # nothing once one that is not after it has a higher sequence.
    before = [entry for entry in ledger.tiers if entry[0] <= at]
    if before and before[-1][1] >= sequence:
        return
    after = [entry for entry in ledger.tiers if entry[0] > at and entry[1] > sequence]
    tiers = [*(entry for entry in before if entry[0] < at), (at, sequence, news.tier), *after]
    ledger.tiers = pruned(_merged(tiers))
    entries.put(LEDGER_ENTRY, LEDGER.write(ledger))


def _merged(tiers: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Most decisions leave the tier as it was: of those, only the last few are kept apart, for some that come out of
    sequence."""
    for at in range(len(tiers) - TIERS_KEPT_APART):
        if tiers[at][2] == tiers[at + 1][2]:
            return [*tiers[:at], (tiers[at][0], *tiers[at + 1][1:]), *tiers[at + 2 :]]
    return tiers
