"""Erasure of what is known of a member, by hand from contract §3: as if it had never come."""

import json

import pytest

from .offer_stories import OfferStory, outcomes
from .stories import Story, at, codes, dead, of_type
from .wire import Record


def gated() -> Story:
    """Points to redeem, and a device that is known by the profile alone."""
    story = Story(fraud={"unknown_device_outcome": "review"})
    story.profile("phone")
    story.adjustment(at(), 100)
    return story


def ask(story: Story, redemption_id: str = "r") -> None:
    story.request(at(1), redemption_id, 5, channel="web", device_id="phone")


def answers(story: Story) -> list[list[str]]:
    return [codes(one) for one in of_type(story.decide(), "redemption.decided")]


def test_devices_of_an_erased_profile_are_known_no_more() -> None:
    story = gated()
    story.erase("m:profile")
    ask(story)
    assert answers(story) == [["unknown_device"]]
    assert dead(story.decide()) == []


def test_a_profile_that_comes_behind_the_erasure_counts() -> None:
    story = gated()
    story.erase("m:profile")
    story.profile("phone")
    ask(story)
    assert answers(story) == [["approved"]]


@pytest.mark.parametrize("key", ["n:profile", "m:consent", "a:profile"])
def test_an_erasure_forgets_only_what_its_key_names(key: str) -> None:
    story = gated()
    story.erase(key)
    ask(story)
    assert answers(story) == [["approved"]]


def test_an_erasure_counts_from_when_it_arrives() -> None:
    story = gated()
    ask(story, "before")
    story.erase("m:profile")
    story.transactions.append(story.reference.pop())
    ask(story, "after")
    assert answers(story) == [["approved"], ["unknown_device"]]


def test_a_member_whose_name_has_a_colon_is_erased_by_all_that_is_before_the_last_one() -> None:
    story = OfferStory(agreed=False)
    story.campaign()
    story.consent(at(-1), member_id="m:consent")
    story.erase("m:consent")
    story.engage(at(1), member_id="m:consent")
    assert outcomes(story.offers(), "m:consent") == ["spring made"]
    story.erase("m:consent:consent")
    assert outcomes(story.offers(), "m:consent") == ["spring no_consent"]


def test_an_erased_consent_is_as_if_it_had_never_come_also_for_earlier_moments() -> None:
    story = OfferStory()
    story.campaign(max_per_member=9)
    story.consent(at(5), offers=True)
    story.erase("m:consent")
    for moment in (at(1), at(6)):
        story.engage(moment)
    assert outcomes(story.offers()) == ["spring no_consent"] * 2


def test_who_agrees_anew_behind_an_erasure_is_made_offers_from_then_on_only() -> None:
    story = OfferStory()
    story.campaign(max_per_member=9)
    story.erase("m:consent")
    story.consent(at(5))
    for moment in (at(5, ms=-1), at(5)):
        story.engage(moment)
    assert outcomes(story.offers()) == ["spring no_consent", "spring made"]


def test_an_erased_refusal_leaves_nothing_that_was_agreed_before_it() -> None:
    story = OfferStory()
    story.campaign()
    story.consent(at(0), offers=False)
    story.erase("m:consent")
    story.engage(at(1))
    assert outcomes(story.offers()) == ["spring no_consent"]


def test_an_erasure_between_two_engagements_counts_from_when_it_arrives() -> None:
    story = OfferStory()
    story.campaign(max_per_member=9)
    story.engage(at(1))
    story.erase("m:consent")
    story.engagements.append(story.reference.pop())
    story.engage(at(1))
    assert outcomes(story.offers()) == ["spring made", "spring no_consent"]


@pytest.mark.parametrize("key", [None, b"", b"m", b"m:", b":profile", b"m:profiles", b"m:Profile", b"\xff:profile"])
def test_a_null_value_whose_key_names_neither_profile_nor_consent_is_a_dead_letter(key: bytes | None) -> None:
    story = gated()
    story.reference.append(Record("loyalty.members", 0, 9, at(), key, None))
    ask(story)
    assert (dead(story.decide()), answers(story)) == (["key_mismatch"], [["approved"]])


@pytest.mark.parametrize(("value", "reason"), [(b"", "malformed_json"), (b"null", "schema_violation")])
def test_no_bytes_and_the_literal_null_erase_nothing(value: bytes, reason: str) -> None:
    story = gated()
    story.reference.append(Record("loyalty.members", 0, 9, at(), b"m:profile", value))
    ask(story)
    assert (dead(story.decide()), answers(story)) == ([reason], [["approved"]])


@pytest.mark.parametrize(
    "topic",
    ["loyalty.program", "loyalty.fraud-signals", "loyalty.engagement-context", "loyalty.decisions"],
)
def test_a_null_value_on_every_other_topic_is_malformed(topic: str) -> None:
    story = gated()
    story.reference.append(Record(topic, 0, 9, at(), b"m:profile", None))
    story.send_bytes(None)
    story.send_bytes(json.dumps(None).encode())
    assert dead(story.decide()) == ["malformed_json", "malformed_json", "schema_violation"]
