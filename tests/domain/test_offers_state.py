"""The state of the offers job stays readable: `frozen/offers/` holds that of every version that was ever released."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from loyalty.offers.in_memory_run import Checkpoint
from loyalty.offers.matching import ENGAGED, LEDGER_NEWS, Engaged, LedgerNews
from loyalty.offers.payloads import (
    CONSENTED,
    ERASED,
    MATCHED,
    PUBLISHED_OFFER,
    Consented,
    Matched,
    PublishedOffer,
)
from loyalty.records import Record
from loyalty.rules.offers import OFFERED
from loyalty.state.codec import EntryCodec, Payload
from tests.domain.offer_story import OfferStory, outcomes
from tests.domain.story import at

FROZEN = Path(__file__).parent / "frozen" / "offers"
VERSION = 2
"""Rises when an entry of the offers job changes its form: then `freeze` writes another file."""


def eventful_story() -> OfferStory:
    """A job with something on every entry, which has just heard of decisions that it does not know yet."""
    story = OfferStory()
    story.campaign("a", priority=2, max_per_member=2, window_days=3, tiers=["silver"])
    story.campaign("b", priority=1, budget_points=150)
    story.consents(False, at(8))
    story.holds("silver", at(1), 1, available=10**20)
    for day in range(30):
        story.clicks(at(day / 10), event_id=f"known-{day}")
    before = story.loop.checkpoint()
    decisions = [decision for day in range(40) for decision in story.clicks(at(4, minutes=day), event_id=f"new-{day}")]
    story.crash_and_go_on(before)
    for decision in decisions:
        story.read_back(decision)
    return story


def what_follows(story: OfferStory) -> list[str]:
    """A known engagement, one that was published but is not known, one that is new, and one after the withdrawal."""
    known = story.engagement(at(29 / 10), event_id="known-29")
    published = story.engagement(at(4), event_id="new-0")
    return [
        *outcomes(story.tell(known)),
        *outcomes(story.tell(published)),
        *outcomes(story.clicks(at(7), event_id="newer")),
        *outcomes(story.clicks(at(8), event_id="newest")),
    ]


@pytest.mark.parametrize("path", sorted(FROZEN.glob("*.json")), ids=lambda path: path.stem)
def test_the_state_of_every_released_version_is_read_and_goes_on(path: Path) -> None:
    frozen = json.loads(path.read_text())
    story = OfferStory()
    story.crash_and_go_on(_thawed(frozen))
    assert what_follows(story) == frozen["then"]


def test_there_is_a_frozen_state_of_this_version() -> None:
    frozen = _thawed(json.loads((FROZEN / f"offers-v{VERSION}.json").read_text()))
    now = eventful_story().loop.checkpoint()
    for was, is_now in ((frozen.intake, now.intake), (frozen.maker, now.maker), *_accounts(frozen, now)):
        assert {name: entry[0] for name, entry in was.items()} == {name: entry[0] for name, entry in is_now.items()}


ON_THEIR_WAY: list[tuple[Payload[Any] | EntryCodec[Any], Any, bytes]] = [
    (CONSENTED, Consented("mia", 1, True), b"c\x01\x93\xa3mia\x01\xc3"),
    (ERASED, "mia", b"x\x01\xa3mia"),
    (
        PUBLISHED_OFFER,
        PublishedOffer("m", 1, "e", 2, "s", OFFERED, 3),
        b"o\x01\x97\xa1m\x01\xa1e\x02\xa1s\xa7offered\x03",
    ),
    (LEDGER_NEWS, LedgerNews(1, 2, (3, 4, 5, 6, 7), "gold"), b"l\x01\x94\x01\x02\x95\x03\x04\x05\x06\x07\xa4gold"),
    (
        ENGAGED,
        Engaged("e", "mia", "click", 1, Record("t", 0, 1, 2, b"k", b"v")),
        b"e\x01\x95\xa1e\xa3mia\xa5click\x01\x96\xa1t\x00\x01\x02\xc4\x01k\xc4\x01v",
    ),
    (
        MATCHED,
        Matched("acc", "mia", "e", "click", 1, 2, "t", 0, 3, "gold", 4, (5, 6, 7, 8, 9), "base", []),
        b"\x01\x9e\xa3acc\xa3mia\xa1e\xa5click\x01\x02\xa1t\x00\x03\xa4gold\x04\x95\x05\x06\x07\x08\t\xa4base\x90",
    ),
]


WRITTEN_NOW = {
    b"o\x01\x97\xa1m\x01\xa1e\x02\xa1s\xa7offered\x03": b"o\x01\x98\xa1m\x01\xa1e\x02\xa1s\xa7offered\x03\xc4\x00",
    b"\x01\x9e\xa3acc\xa3mia\xa1e\xa5click\x01\x02\xa1t\x00\x03\xa4gold\x04\x95\x05\x06\x07\x08\t\xa4base\x90": (
        b"\x01\x9f\xa3acc\xa3mia\xa1e\xa5click\x01\x02\xa1t\x00\x03\xa4gold\x04\x95\x05\x06\x07\x08\t\xa4base\x90\x00"
    ),
}
"""What has a field more now (the seal, the record's timestamp), which the last release passes over."""


@pytest.mark.parametrize(("codec", "content", "released"), ON_THEIR_WAY, ids=lambda value: type(value).__name__)
def test_what_waits_between_two_operators_is_written_as_the_last_release_reads_it(
    codec: Payload[Any] | EntryCodec[Any], content: Any, released: bytes
) -> None:
    """What waits for a document is state: a savepoint holds it."""
    assert codec.write(content) == WRITTEN_NOW.get(released, released)
    assert codec.read(released) == content


def _accounts(one: Checkpoint, other: Checkpoint) -> list[tuple[dict[str, bytes], dict[str, bytes]]]:
    assert one.accounts.keys() == other.accounts.keys()
    return [(one.accounts[account_id], other.accounts[account_id]) for account_id in one.accounts]


def _thawed(frozen: dict[str, Any]) -> Checkpoint:
    def entries(of: dict[str, str]) -> dict[str, bytes]:
        return {name: base64.b64decode(entry) for name, entry in of.items()}

    accounts = {account_id: entries(of) for account_id, of in frozen["accounts"].items()}
    documents = [document.encode() for document in frozen["documents"]]
    return Checkpoint(entries(frozen["intake"]), documents, accounts, entries(frozen["maker"]))


def freeze() -> None:
    """Write the frozen state of this version: `python -m tests.domain.test_offers_state`, once, before a release."""

    def entries(of: dict[str, bytes]) -> dict[str, str]:
        return {name: base64.b64encode(entry).decode() for name, entry in sorted(of.items())}

    story = eventful_story()
    intake, documents, accounts, maker = story.loop.checkpoint()
    content = {
        "intake": entries(intake),
        "documents": [document.decode() for document in documents],
        "accounts": {account_id: entries(of) for account_id, of in accounts.items()},
        "maker": entries(maker),
        "then": what_follows(story),
    }
    (FROZEN / f"offers-v{VERSION}.json").write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    freeze()
