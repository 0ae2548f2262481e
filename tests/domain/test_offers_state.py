"""The state of the offers job stays readable: `frozen/offers/` holds that of every version that was ever released."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from loyalty.offers.in_memory_run import Checkpoint
from tests.domain.offer_story import OfferStory, outcomes
from tests.domain.story import at

FROZEN = Path(__file__).parent / "frozen" / "offers"
VERSION = 1
"""Rises when a page of the offers job changes its form: then `freeze` writes another file."""


def eventful_story() -> OfferStory:
    """A job with something on every page, which has just heard of decisions that it does not know yet."""
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
        assert {name: page[0] for name, page in was.items()} == {name: page[0] for name, page in is_now.items()}


def _accounts(one: Checkpoint, other: Checkpoint) -> list[tuple[dict[str, bytes], dict[str, bytes]]]:
    assert one.accounts.keys() == other.accounts.keys()
    return [(one.accounts[account_id], other.accounts[account_id]) for account_id in one.accounts]


def _thawed(frozen: dict[str, Any]) -> Checkpoint:
    def pages(of: dict[str, str]) -> dict[str, bytes]:
        return {name: base64.b64decode(page) for name, page in of.items()}

    accounts = {account_id: pages(of) for account_id, of in frozen["accounts"].items()}
    documents = [document.encode() for document in frozen["documents"]]
    return Checkpoint(pages(frozen["intake"]), documents, accounts, pages(frozen["maker"]))


def freeze() -> None:
    """Write the frozen state of this version: `python -m tests.domain.test_offers_state`, once, before a release."""

    def pages(of: dict[str, bytes]) -> dict[str, str]:
        return {name: base64.b64encode(page).decode() for name, page in sorted(of.items())}

    story = eventful_story()
    intake, documents, accounts, maker = story.loop.checkpoint()
    content = {
        "intake": pages(intake),
        "documents": [document.decode() for document in documents],
        "accounts": {account_id: pages(of) for account_id, of in accounts.items()},
        "maker": pages(maker),
        "then": what_follows(story),
    }
    (FROZEN / f"offers-v{VERSION}.json").write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    freeze()
