"""What is kept of an account, for how long, and that old entries stay readable."""

from __future__ import annotations

import base64
import gc
import json
from pathlib import Path

import msgspec
import pytest

from loyalty.decider import Decider, Delivery
from loyalty.records import Record
from loyalty.state.account import REMEMBER_REQUESTS_MS, Account
from loyalty.state.codec import DictEntries, EntryCodec, UnknownEntryVersion
from loyalty.state.core import CORE, CORE_ENTRY
from loyalty.state.retention import FORGET_OLD_REQUESTS_MS
from loyalty.wire.content import content_digest
from tests.domain.counting import CountingEntries
from tests.domain.story import Story, at

FROZEN = Path(__file__).parent / "frozen"
VERSION = 5
"""Rises when the entries of an account change their form: then `freeze` writes another file."""


def eventful_story() -> Story:
    """An account with something on every entry."""
    story = Story(earning={"pending_days": 1, "expiry_days": 60})
    story.reward("mug", 10)
    story.profile("phone")
    story.engaged(at(1), phone=at(1))
    story.signal(20, at(), at(90))
    story.campaign(valid_days=30)
    story.offered("taken", at(36))
    for day in range(40):
        story.buys(f"o{day}", 1_000 + day, at(day, hours=day % 5))
        if day % 7 == 6:
            story.requests(f"r{day}", 10, at(day, hours=8))
    story.requests("held", 10, at(39, hours=9))
    story.refunds("missing", at(39, hours=10))
    story.adjusts(10**15, at(39, hours=11))
    story.offered("open", at(39))
    return story


def test_nothing_is_kept_of_the_past_that_no_rule_can_need() -> None:
    story = eventful_story()
    busy = len(story.entries)
    story.buys("end", 0, at(900))
    left = {name.split("/")[0] for name in story.entries}
    assert busy > 60
    assert left == {"core", "facts", "lot", "order"}
    assert len(story.entries) == 4


def test_a_lot_is_forgotten_when_its_points_are_spent() -> None:
    story = Story(earning={"expiry_days": 60})
    story.reward("mug", 10)
    story.buys("o1", 1_000, at())
    story.requests("r1", 10, at(1))
    story.commits("r1", at(1, minutes=1))
    story.buys("end", 0, at(900))
    assert sorted(name.split("/")[0] for name in story.entries) == ["core", "lot", "order"]


def kept(story: Story, kind: str) -> list[str]:
    """The entries of one kind that are kept of the account."""
    return sorted(name for name in story.entries if name.startswith(f"{kind}/"))


def test_a_spent_lot_is_forgotten_when_its_order_can_be_refunded_no_longer() -> None:
    story = Story(redemption={"cancel_days": 2})
    story.reward("mug", 10)
    story.buys("o1", 1_000, at())
    story.requests("r1", 10, at(1))
    story.commits("r1", at(1, minutes=1))
    (lot,) = kept(story, "lot")
    story.adjusts(1, at(29))
    assert lot in kept(story, "lot")
    story.adjusts(1, at(31))
    assert lot not in kept(story, "lot")


def test_a_request_sees_everything_forgotten_that_is_known_no_longer_to_the_millisecond() -> None:
    story = Story(redemption={"cancel_days": 2})
    story.reward("mug", 10)
    story.requests("r1", 10, at(1))
    story.requests("r2", 10, at(3, ms=-1))
    assert kept(story, "redemption") == ["redemption/r1", "redemption/r2"]
    story.requests("r3", 10, at(3))
    assert kept(story, "redemption") == ["redemption/r2", "redemption/r3"]


def test_a_redemption_that_is_held_beyond_its_cancel_days_is_forgotten_when_the_hold_has_ended() -> None:
    story = Story(redemption={"cancel_days": 1, "hold_minutes": 3 * 24 * 60})
    story.reward("mug", 10)
    story.adjusts(10, at())
    story.requests("r1", 10, at(1))
    story.adjusts(1, at(3, hours=12))
    assert kept(story, "redemption") == ["redemption/r1"]
    story.adjusts(1, at(6))
    assert kept(story, "redemption") == []


@pytest.mark.parametrize(("beyond_ms", "left"), [(-1, 2), (0, 1)])
def test_of_an_older_release_requests_are_forgotten_a_year_after_they_count_no_more(beyond_ms: int, left: int) -> None:
    """It did not note when each is to be forgotten."""
    story = Story()
    story.requests("r1", 10, at(1))
    account = Account("acc", DictEntries(story.entries))
    account.keep.remove_until(at(1) + REMEMBER_REQUESTS_MS)
    account.save()
    story.requests("r2", 10, at(1) + FORGET_OLD_REQUESTS_MS - 1)
    story.adjusts(1, at(1) + FORGET_OLD_REQUESTS_MS + beyond_ms)
    assert len(list(Account("acc", DictEntries(story.entries)).requests)) == left


def test_an_account_with_a_long_history_touches_no_more_entries_than_a_short_one() -> None:
    story = Story(earning={"pending_days": 30, "expiry_days": 300}, tiers={"window_days": 365})
    costs = []
    for day in range(1_000):
        story.buys(f"o{day}", 1_000, at(minutes=10 * day))
        if day in (30, 999):
            entries = CountingEntries(story.entries)
            account = Account("acc", entries)
            account.timers.first()
            account.window.find_slide(story.program)
            costs.append((entries.touched, len(story.entries["core"])))
    assert costs[1][0] <= costs[0][0] + 2
    assert costs[1][1] < 8 * costs[0][1]  # one index entry for each entry of some dozens


def test_deciding_leaves_nothing_that_only_pythons_garbage_collector_can_free() -> None:
    """It would stop both operators again and again, and until then the memory is not there."""
    eventful_story()  # what is made once and kept
    gc.collect()
    gc.disable()
    try:
        eventful_story()
        assert gc.collect() < 100  # the decider itself; what each event leaves would be a thousand
    finally:
        gc.enable()


@pytest.mark.parametrize("path", sorted(FROZEN.glob("*.json")), ids=lambda path: path.stem)
def test_an_account_of_every_released_version_is_read_and_goes_on(path: Path) -> None:
    frozen = json.loads(path.read_text())
    entries = DictEntries({name: base64.b64decode(entry) for name, entry in frozen["pages"].items()})
    account = Account("acc", entries)
    core = account.core
    assert [core.sequence, core.pending, core.available, core.held, core.debt, core.window_sum, core.tier] == frozen[
        "core"
    ]
    story = Story(earning={"pending_days": 1, "expiry_days": 60})
    story.buys("next", 1_000, at(41))
    verdict = _decider(story).fire("acc", entries, at(500))
    assert [decision["type"] for decision in verdict.decisions] == frozen["then"]


def test_there_is_a_frozen_account_of_this_version() -> None:
    now = eventful_story().entries
    frozen = json.loads((FROZEN / f"account-v{VERSION}.json").read_text())["pages"]
    assert {name.split("/")[0] for name in frozen} == {name.split("/")[0] for name in now}
    assert {name: base64.b64decode(entry)[0] for name, entry in frozen.items()} == {
        name: entry[0] for name, entry in now.items()
    }


def test_an_offer_and_a_bonus_of_the_last_release_are_found_again() -> None:
    frozen = json.loads((FROZEN / "account-v2.json").read_text())
    entries = DictEntries({name: base64.b64decode(entry) for name, entry in frozen["pages"].items()})
    decider = _decider(eventful_story())
    story = eventful_story()
    purchase = story.purchase("next", at(41), [(1_000, 1)])
    cancellation = {**story.purchase("o36", at(41), []), "type": "cancellation"}
    decided = []
    for offset, event in enumerate((purchase, cancellation), start=100):
        record = Record("loyalty.transactions", 0, offset, at(42), b"acc", json.dumps(event).encode())
        decided += decider.receive("acc", entries, Delivery(record)).decisions
    codes = [decision["reasons"][0]["code"] for decision in decided]
    assert codes.count("offer_bonus") == codes.count("offer_taken") == codes.count("order_reversed") == 1


@pytest.mark.parametrize("path", sorted(FROZEN.glob("*.json")), ids=lambda path: path.stem)
def test_an_event_that_an_older_release_used_is_a_duplicate_still(path: Path) -> None:
    entries = _thawed(path)
    decider = _decider(eventful_story())
    event = {**eventful_story().purchase("again", at(41), [(1_000, 1)]), "event_id": "e30"}
    record = Record("loyalty.transactions", 0, 100, at(42), b"acc", json.dumps(event).encode())
    ((_, letter),) = decider.receive("acc", entries, Delivery(record)).dead_letters
    assert letter["reason"] == "conflicting_duplicate"


@pytest.mark.parametrize("path", sorted(FROZEN.glob("*.json")), ids=lambda path: path.stem)
def test_a_refund_that_waited_in_an_older_release_follows_its_purchase(path: Path) -> None:
    entries = _thawed(path)
    story = eventful_story()
    decider = _decider(story)
    other_refund = story._event("refund", at(39, hours=12)) | {"order_id": "missing"}
    other_refund["lines"] = [{"line_id": "2", "quantity": 1}]
    decided = []
    for offset, event in enumerate((other_refund, story.purchase("missing", at(39), [(200, 1), (400, 1)]))):
        record = Record("loyalty.transactions", 0, 100 + offset, at(42), b"acc", json.dumps(event).encode())
        decided += decider.receive("acc", entries, Delivery(record)).decisions
    reversed_points = [-decision["points"] for decision in decided if decision["type"] == "points.reversed"]
    assert reversed_points[0] < reversed_points[1], "in the order in which they came"
    assert len(reversed_points) == 2
    assert not any(name.startswith("waits") for name in entries.entries)


def test_the_digest_of_an_event_is_taken_where_none_came_with_it_as_from_an_older_release() -> None:
    story = eventful_story()
    value = json.dumps(story.purchase("next", at(41), [(1_000, 1)])).encode()
    record = Record("loyalty.transactions", 0, 100, at(42), b"acc", value)
    older = msgspec.msgpack.encode([record, False, None, None])
    delivery = msgspec.msgpack.decode(older, type=Delivery)
    decider, entries = _decider(story), DictEntries()
    verdict = decider.receive("acc", entries, delivery)
    assert (verdict.fate, verdict.decisions[0]["evidence"]["late"]) == ("used", False)
    assert (
        decider.receive("acc", entries, msgspec.structs.replace(delivery, digest=content_digest(value))).fate
        == "duplicate"
    )
    other = msgspec.structs.replace(delivery, digest=b"other")
    assert decider.receive("acc", entries, other).fate == "dead_letter"


def test_where_an_older_release_noted_too_early_a_moment_nothing_is_done_before_it_is_due() -> None:
    story = Story(earning={"pending_days": 9})
    story.buys("o1", 1_000, at())
    entries, decider = DictEntries(dict(story.entries)), _decider(story)
    core = CORE.read(entries.entries[CORE_ENTRY])
    assert core.due.first == at(9)
    core.due.first = at(5)
    entries.put(CORE_ENTRY, CORE.write(core))
    verdict = decider.fire("acc", entries, at(9, ms=-1))
    assert (verdict.decisions, verdict.next_due_ms) == ([], at(9))
    assert [decision["type"] for decision in decider.fire("acc", entries, at(9)).decisions] == ["points.released"]


def test_a_window_whose_first_moment_an_older_release_noted_too_early_loses_nothing() -> None:
    story = Story()
    story.adjusts(50, at(5), qualifying=True)
    account = Account("acc", DictEntries(story.entries))
    account.core.window.first = at()
    account.save()
    story.adjusts(1, at(11))
    assert story.balance["qualifying"] == 50


def test_an_entry_of_an_older_version_is_brought_up_to_date_step_by_step() -> None:
    codec: EntryCodec[list[str]] = EntryCodec(list[str], 3, {1: lambda old: [old], 2: lambda old: [*old, "two"]})
    first: EntryCodec[str] = EntryCodec(str, 1)
    entry = first.write("one")
    assert codec.read(entry) == ["one", "two"]


def test_an_entry_of_a_newer_release_is_refused() -> None:
    newer: EntryCodec[str] = EntryCodec(str, 2)
    known: EntryCodec[str] = EntryCodec(str, 1)
    entry = newer.write("new")
    with pytest.raises(UnknownEntryVersion, match="version 2 was found; this release knows up to 1"):
        known.read(entry)


def test_numbers_wider_than_64_bits_survive_an_entry() -> None:
    codec: EntryCodec[list[int]] = EntryCodec(list[int], 1)
    numbers = [2**63, -(10**40), 7]
    assert codec.read(codec.write(numbers)) == numbers


def _thawed(path: Path) -> DictEntries:
    frozen = json.loads(path.read_text())["pages"]
    return DictEntries({name: base64.b64decode(entry) for name, entry in frozen.items()})


def freeze() -> None:
    """Write the frozen account of this version: `python -m tests.domain.test_state`, once, before a release."""
    story = eventful_story()
    entries = DictEntries(dict(story.entries))
    core = Account("acc", entries).core
    content = {
        "pages": {name: base64.b64encode(entry).decode() for name, entry in sorted(story.entries.items())},
        "core": [core.sequence, core.pending, core.available, core.held, core.debt, core.window_sum, core.tier],
        "then": [d["type"] for d in _decider(story).fire("acc", entries, at(500)).decisions],
    }
    FROZEN.mkdir(exist_ok=True)
    (FROZEN / f"account-v{VERSION}.json").write_text(json.dumps(content, indent=1) + "\n")


def _decider(story: Story) -> Decider:
    decider = Decider()
    decider.program = story.program
    return decider


if __name__ == "__main__":
    freeze()
