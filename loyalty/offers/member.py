"""What the owner of the budgets keeps of a member: sequence, consents, when which campaign made offers, and what was
published before a crash."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from typing import Any

import msgspec

from loyalty.offers.as_of import pruned
from loyalty.offers.campaigns import Candidate
from loyalty.offers.payloads import Consented, Matched, PublishedOffer
from loyalty.state.codec import EntryCodec, StateEntries
from loyalty.state.sorted_list import SortedList
from loyalty.state.unit_of_work import UnitOfWork
from loyalty.state.used_events import REMEMBER_EVENTS_MS
from loyalty.state.written_list import ListCodec, ListHead
from loyalty.times import DAY_MS


class Made(msgspec.Struct, array_like=True):
    """The offers that one campaign has made to a member."""

    remember_ms: int
    times: list[int]
    """Their `occurred_at`, ascending."""


PublishedItem = tuple[int, str, str, str]
"""(occurred at, event id, campaign id, code)."""


class Member(msgspec.Struct, array_like=True):
    sequence: int = 0
    time: int | None = None
    """The highest `occurred_at` of the engagements that were settled."""
    consents: list[tuple[int, bool]] = []
    """Since when (event time, ms) offers are agreed to or not, in order."""
    made: dict[str, Made] = {}
    published: ListHead[PublishedItem] = msgspec.field(default_factory=ListHead)
    """Decisions beyond the last checkpoint whose engagement has not come again yet."""
    seal: bytes = b""
    """Of the member's last decision; empty before there is one, or where a release before did not seal."""


def _with_seal(old: list[Any]) -> list[Any]:
    """Version 1 had no seal. The number says that a release before this one would lose it."""
    return old


MEMBER: EntryCodec[Member] = EntryCodec(Member, 2, {1: _with_seal})
PUBLISHED: ListCodec[PublishedItem] = ListCodec(ListHead[PublishedItem], list[PublishedItem])


def load(entries: StateEntries, member_id: str) -> Member:
    raw = entries.get(f"member/{member_id}")
    return Member() if raw is None else MEMBER.read(raw)


def keep(entries: StateEntries, member_id: str, member: Member) -> None:
    """Keep what has changed of a member."""
    entries.put(f"member/{member_id}", MEMBER.write(member))


# What a member agreed to


def agree(entries: StateEntries, consented: Consented) -> None:
    """Of two of one moment the last to arrive counts."""
    member = load(entries, consented.member_id)
    consents = [entry for entry in member.consents if entry[0] != consented.occurred_at]
    insort(consents, (consented.occurred_at, consented.offers))
    member.consents = pruned(consents)
    keep(entries, consented.member_id, member)


def erase_consents(entries: StateEntries, member_id: str) -> None:
    """The member has said nothing, as far as this job knows."""
    member = load(entries, member_id)
    if member.consents:
        member.consents = []
        keep(entries, member_id, member)


# Offers that were made


def count_offer(member: Member, campaign_id: str, at: int, remember_ms: int) -> None:
    """A campaign made an offer at `at`, which its cap counts for so long."""
    made = member.made.setdefault(campaign_id, Made(remember_ms, []))
    made.remember_ms = max(made.remember_ms, remember_ms)
    insort(made.times, at)


def in_window(member: Member, candidate: Candidate, at: int) -> int:
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


def forget_offers(member: Member) -> None:
    """Offers that no cap can count any more, by the member's own time."""
    assert member.time is not None
    for campaign_id, made in list(member.made.items()):
        over = bisect_right(made.times, member.time - made.remember_ms)
        if over == len(made.times):
            del member.made[campaign_id]
        else:
            del made.times[:over]


# What was published before a crash


def note_published(entries: StateEntries, member: Member, offer: PublishedOffer) -> None:
    """This decision stays as it is when its engagement comes again; the member must be kept."""
    published = _published(entries, offer.member_id, member)
    published.add((offer.occurred_at, offer.event_id, offer.campaign_id, offer.code))
    published.save()


def recall(entries: StateEntries, member: Member, event: Matched) -> dict[str, str]:
    """What was published about this engagement, by campaign; from now on that is settled."""
    if not member.published.front and not member.published.numbers:
        return {}
    assert member.time is not None
    published = _published(entries, event.member_id, member)
    decided = {}
    use = (event.occurred_at, event.event_id)
    while (item := published.at_or_after(use)) is not None and item[:2] == use:
        published.remove(item)
        decided[item[2]] = item[3]
    published.remove_until(member.time - REMEMBER_EVENTS_MS)
    published.save()
    return decided


def _published(entries: StateEntries, member_id: str, member: Member) -> SortedList[PublishedItem]:
    return SortedList(f"published/{member_id}", PUBLISHED, UnitOfWork(entries), member.published)
