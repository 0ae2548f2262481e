"""Which offers an engagement leads to (contract §4, *Offers*)."""

from __future__ import annotations

import pytest

from loyalty.decided_again import difference
from loyalty.offers.as_of import REMEMBER_PAST_MS, pruned
from loyalty.offers.validation import DeadLetter, Document, EngagementValidator, ForAccount, Published
from loyalty.records import Record
from loyalty.state.codec import DictEntries
from loyalty.times import format_time
from loyalty.wire.decisions import parse_decision
from loyalty.wire.json import to_json
from tests.domain.offer_story import BALANCE, OfferStory, outcomes
from tests.domain.story import TIERS, at

LEDGER = {
    "stream": "ledger",
    "account_id": "acc",
    "sequence": 1,
    "occurred_at": format_time(at(1)),
    "balance": BALANCE,
}


def test_an_offer_is_what_the_contract_says_a_decision_is() -> None:
    story = OfferStory()
    story.campaign()
    story.holds("silver", at(1), 3, available=70)
    (made,) = story.clicks(at(2))
    parse_decision(to_json({**made, "decided_at": format_time(at(2))}))
    assert (made["stream"], made["sequence"], made["type"], made["outcome"]) == ("offers", 1, "offer.decided", "made")
    assert (made["account_id"], made["member_id"], made["subject"]) == ("acc", "mia", {"offer_id": "bonus"})
    assert (made["points"], made["occurred_at"]) == (0, format_time(at(2)))
    assert made["balance"] == {
        "pending": 0,
        "available": 70,
        "held": 0,
        "debt": 0,
        "qualifying": 0,
        "tier": "silver",
    }
    assert made["rules"] == {"campaign/spring": 1}
    assert made["cause"]["topic"] == "loyalty.engagements"
    assert made["evidence"]["offer"]["bonus_points"] == 50


def test_the_evidence_is_enough_to_decide_again() -> None:
    story = OfferStory()
    story.campaign("first", priority=9, max_per_member=2)
    story.campaign("second", priority=8, budget_points=100)
    decisions = [decision for day in range(5) for decision in story.clicks(at(day))]
    story.consents(False, at(5))
    decisions += story.clicks(at(6))
    assert len({decision["reasons"][0]["code"] for decision in decisions}) == 5
    for decision in decisions:
        assert difference(decision, story.program) is None


# Which campaigns fit


def test_an_engagement_that_fits_no_campaign_decides_nothing_and_may_come_again() -> None:
    story = OfferStory()
    story.campaign(active_from=format_time(at(5)))
    click = story.engagement(at(4))
    assert [story.tell(click), story.tell(click), story.clicks(at(6), "open")] == [[], [], []]
    assert [story.fate(offset) for offset in range(3)] == ["unmatched"] * 3
    assert story.loop.checkpoint().accounts == {}


def test_a_campaign_is_active_from_its_first_millisecond_up_to_not_including_its_last() -> None:
    story = OfferStory()
    story.campaign(active_from=format_time(at(2)), active_to=format_time(at(3)))
    told = [len(story.clicks(when)) for when in (at(2, ms=-1), at(2), at(3, ms=-1), at(3))]
    assert told == [0, 1, 1, 0]


def test_a_version_that_takes_effect_as_its_campaign_ends_is_never_in_force() -> None:
    story = OfferStory()
    story.campaign(active_to=format_time(at(5)))
    story.campaign(version=2, since=at(5), active_to=format_time(at(5)))
    assert [len(story.clicks(when)) for when in (at(5, ms=-1), at(5), at(5, ms=1))] == [1, 0, 0]


def test_the_version_in_force_at_the_engagement_counts_also_when_it_comes_out_of_order() -> None:
    story = OfferStory()
    story.campaign()
    story.campaign(version=2, since=at(5), triggers=["open"])
    assert outcomes(story.clicks(at(5), "open")) == ["spring offered"]
    assert story.clicks(at(5)) == []
    assert story.clicks(at(5, ms=-1))[0]["rules"] == {"campaign/spring": 1}


def test_many_campaigns_that_begin_and_end_at_each_others_ends_are_told_apart() -> None:
    story = OfferStory()
    for number in range(6):
        story.campaign(
            f"c{number}", active_from=format_time(at(number)), active_to=format_time(at(number + 2)), priority=number
        )
    assert [outcomes(story.clicks(at(day)))[0] for day in range(7)] == [
        *("c0 offered", "c1 offered", "c2 offered", "c3 offered", "c4 offered", "c5 offered", "c5 offered")
    ]
    assert [len(story.clicks(at(day, ms=1))) for day in range(8)] == [1, 2, 2, 2, 2, 2, 1, 0]


def test_without_a_programme_there_are_no_offers() -> None:
    story = OfferStory()
    story.campaign(since=at(-9), active_from=format_time(at(-9)))
    assert [len(story.clicks(when)) for when in (at(ms=-1), at())] == [0, 1]


def test_the_tier_is_that_of_the_event_time() -> None:
    story = OfferStory()
    story.campaign("silver", tiers=["silver", "gold"])
    story.campaign("base", tiers=["base"])
    story.holds("silver", at(2), 1)
    story.holds("base", at(4), 2)
    told = [outcomes(story.clicks(when)) for when in (at(2, ms=-1), at(2), at(4, ms=-1), at(4))]
    assert told == [["base offered"], ["silver offered"], ["silver offered"], ["base offered"]]


def test_of_ledger_decisions_the_one_with_the_highest_sequence_counts() -> None:
    story = OfferStory()
    story.campaign("silver", tiers=["silver"])
    story.campaign("base", tiers=["base"])
    story.holds("silver", at(5), 1)
    story.holds("base", at(3), 2)  # an event that came late made it
    story.holds("silver", at(5), 1)  # a decision that is sent again changes nothing
    assert outcomes(story.clicks(at(6))) == ["base offered"]


def test_a_ledger_decision_that_comes_out_of_sequence_says_the_tier_of_its_own_time() -> None:
    story = OfferStory()
    for tier in ("silver", "gold", "base"):
        story.campaign(tier, tiers=[tier])
    story.holds("silver", at(2), 1)
    story.holds("base", at(6), 3)
    story.holds("gold", at(4), 2)
    told = [outcomes(story.clicks(when)) for when in (at(4, ms=-1), at(4), at(6, ms=-1), at(6))]
    assert told == [["silver offered"], ["gold offered"], ["gold offered"], ["base offered"]]


def test_of_ledger_decisions_of_one_moment_the_later_in_sequence_counts_whichever_comes_first() -> None:
    story = OfferStory()
    story.campaign("silver", tiers=["silver"])
    story.campaign("base", tiers=["base"])
    story.holds("base", at(5), 2)
    story.holds("silver", at(5), 1)
    assert outcomes(story.clicks(at(5))) == ["base offered"]


def test_a_ledger_that_goes_up_and_down_within_one_moment_leaves_a_short_entry() -> None:
    story = OfferStory()
    for sequence in range(1, 100):
        story.holds("gold" if sequence % 2 else "base", at(1), sequence)
    assert len(story.loop.checkpoint().accounts["acc"]["ledger"]) < 50


def test_a_ledger_that_decides_for_years_leaves_a_short_entry() -> None:
    story = OfferStory()
    sizes = []
    for sequence in range(1, 2_000):
        story.holds("gold" if sequence % 500 == 0 else "base", at(sequence), sequence)
        sizes.append(len(story.loop.checkpoint().accounts["acc"]["ledger"]))
    assert max(sizes) < 400


# Consent


def test_without_consent_every_campaign_is_suppressed() -> None:
    story = OfferStory(agreed=False)
    story.campaign("a", priority=1)
    story.campaign("b", priority=2)
    assert outcomes(story.clicks(at(1))) == ["b no_consent", "a no_consent"]


def test_a_withdrawal_stops_the_very_next_offer_and_counts_at_its_event_time() -> None:
    story = OfferStory()
    story.campaign()
    story.consents(False, at(4))
    story.consents(True, at(2))  # arrives behind, and is the older one
    told = [outcomes(story.clicks(when))[0] for when in (at(4, ms=-1), at(4), at(9), at(3))]
    assert told == ["spring offered", "spring no_consent", "spring no_consent", "spring offered"]


def test_of_two_consents_of_one_moment_the_last_to_arrive_counts() -> None:
    story = OfferStory()
    story.campaign()
    story.consents(True, at(1))
    story.consents(False, at(1))
    assert outcomes(story.clicks(at(1))) == ["spring no_consent"]


def test_a_withdrawal_counts_whatever_account_it_names() -> None:
    story = OfferStory()
    story.campaign()
    story.consents(False, at(1), account_id="another")
    assert outcomes(story.clicks(at(2))) == ["spring no_consent"]


def test_a_suppressed_offer_uses_neither_cap_nor_budget() -> None:
    story = OfferStory(agreed=False)
    story.campaign(budget_points=50, max_per_member=1)
    story.consents(True, at(2))
    assert outcomes(story.clicks(at(1)) + story.clicks(at(2))) == ["spring no_consent", "spring offered"]


# Priority, cap, budget


def test_one_offer_an_event_goes_to_the_highest_priority_then_to_the_first_name() -> None:
    story = OfferStory()
    for campaign_id, priority in (("c", -5), ("b", 7), ("a", 7), ("d", 8)):
        story.campaign(campaign_id, priority=priority, max_per_member=1)
    assert outcomes(story.clicks(at(1)) + story.clicks(at(1))) == [
        *("d offered", "a lower_priority", "b lower_priority", "c lower_priority"),
        *("d cap_reached", "a offered", "b lower_priority", "c lower_priority"),
    ]


def test_a_campaign_that_could_not_be_made_says_its_own_reason_also_behind_the_one_that_was() -> None:
    story = OfferStory()
    story.campaign("first", priority=9)
    story.campaign("capped", priority=5, max_per_member=0)
    story.campaign("poor", priority=4, budget_points=49)
    story.campaign("both", priority=3, max_per_member=0, budget_points=0)
    assert outcomes(story.clicks(at(1))) == [
        *("first offered", "capped cap_reached", "poor budget_exhausted", "both cap_reached")
    ]


def test_a_cap_counts_the_window_that_ends_with_the_engagement_to_the_millisecond() -> None:
    story = OfferStory()
    story.campaign(max_per_member=2, window_days=3)
    told = [outcomes(story.clicks(when))[0] for when in (at(1), at(2), at(4, ms=-1), at(4), at(4))]
    assert told == [f"spring {code}" for code in ("offered", "offered", "cap_reached", "offered", "cap_reached")]


def test_an_engagement_out_of_order_is_refused_where_it_would_put_a_later_window_over_the_cap() -> None:
    story = OfferStory()
    story.campaign(max_per_member=2, window_days=3)
    told = [outcomes(story.clicks(when))[0] for when in (at(5), at(6), at(4), at(3), at(3, ms=-1))]
    assert told == [f"spring {code}" for code in ("offered", "offered", "cap_reached", "offered", "cap_reached")]


def test_an_offer_is_remembered_for_the_longest_window_that_a_version_of_its_campaign_has() -> None:
    story = OfferStory()
    story.campaign(max_per_member=2, window_days=10)
    story.clicks(at(1))
    story.campaign(version=2, since=at(2), max_per_member=2, window_days=800)
    assert outcomes(story.clicks(at(3))) == ["spring offered"]
    assert outcomes(story.clicks(at(390))) == outcomes(story.clicks(at(400))) == ["spring cap_reached"]


def test_of_what_held_more_than_two_years_ago_only_the_last_is_kept() -> None:
    newest = 3 * REMEMBER_PAST_MS
    since = newest - REMEMBER_PAST_MS
    last = [(since + 1, True), (newest, False)]
    assert pruned([(0, True), (since - 1, False), (since, True), *last]) == [(since, True), *last]
    assert pruned([(0, True), (since - 1, False), *last]) == [(since - 1, False), *last]
    assert pruned([(newest, True)]) == [(newest, True)]


def test_a_cap_is_of_a_member_and_of_a_campaign_whatever_its_version() -> None:
    story = OfferStory()
    story.consents(True, at(), "max")
    story.campaign(max_per_member=1)
    story.campaign(version=2, since=at(3), max_per_member=1)
    told = [story.clicks(at(1)), story.clicks(at(2), member_id="max"), story.clicks(at(4))]
    assert [outcomes(one)[0] for one in told] == ["spring offered", "spring offered", "spring cap_reached"]


def test_a_budget_is_used_up_to_its_last_point_and_versions_share_it() -> None:
    story = OfferStory()
    story.campaign(budget_points=125)
    story.campaign(version=2, since=at(5), budget_points=125, bonus_points=25)
    told = [outcomes(story.clicks(at(day)))[0] for day in (1, 2, 3, 6, 7)]
    assert told == [
        f"spring {code}" for code in ("offered", "offered", "budget_exhausted", "offered", "budget_exhausted")
    ]


def test_sequences_count_for_each_member_without_a_gap() -> None:
    story = OfferStory()
    story.consents(True, at(), "max")
    story.campaign("a")
    story.campaign("b")
    decisions = [*story.clicks(at(1)), *story.clicks(at(1), member_id="max"), *story.clicks(at(2))]
    assert [(one["member_id"], one["sequence"]) for one in decisions] == [
        *(("mia", 1), ("mia", 2), ("max", 1), ("max", 2), ("mia", 3), ("mia", 4))
    ]


# Checks and duplicates


def test_an_engagement_that_decided_something_is_known_for_35_days_of_its_members_time() -> None:
    story = OfferStory()
    story.campaign()
    click = story.engagement(at(1))
    story.tell(click)
    story.tell(dict(reversed(click.items())))
    story.tell({**click, "channel": "push"})
    story.clicks(at(36, ms=-1))
    story.tell(click)
    story.clicks(at(36))
    story.tell(click)
    assert [story.fate(offset) for offset in range(7)] == [
        *("used", "duplicate", "dead_letter", "used", "duplicate", "used", "used")
    ]
    assert story.refusals == ["conflicting_duplicate"]


def test_members_whose_ids_look_like_one_another_do_not_share_what_they_have_used() -> None:
    story = OfferStory()
    story.campaign()
    ids = [("a/1", "2/x"), ("a/1/2", "x"), ("a", "1/2/x")]
    for member_id, _ in ids:
        story.clicks(at(1), member_id=member_id)
    for member_id, event_id in ids:
        assert len(story.clicks(at(1), member_id=member_id, event_id=event_id)) == 1


@pytest.mark.parametrize(
    ("changes", "key", "reason"),
    [
        ({"channel": 1}, b"mia", "schema_violation"),
        ({}, b"acc", "key_mismatch"),
        ({"occurred_at": format_time(at(3, minutes=5, ms=1))}, b"mia", "too_early"),
    ],
)
def test_an_engagement_is_checked_in_the_contracts_order(changes: dict[str, object], key: bytes, reason: str) -> None:
    event = {**OfferStory().engagement(at(2)), **changes}
    value = to_json(event)
    passed = EngagementValidator().take(DictEntries(), Record("loyalty.engagements", 0, 7, at(3), key, value))
    assert isinstance(passed, DeadLetter)
    assert (passed.content["reason"], passed.content["offset"]) == (reason, 7)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "malformed_json"),
        (b"{", "malformed_json"),
        (b'{"stream": "points"}', "schema_violation"),
        (b'{"stream": "ledger", "account_id": "acc", "sequence": 0}', "schema_violation"),
        (to_json({**LEDGER, "occurred_at": "now"}), "schema_violation"),
        (to_json({**LEDGER, "account_id": "other"}), "key_mismatch"),
        (to_json({**LEDGER, "stream": "offers"}), "schema_violation"),
    ],
)
def test_a_decision_that_cannot_be_read_is_a_dead_letter(value: bytes | None, reason: str) -> None:
    passed = EngagementValidator().take(DictEntries(), Record("loyalty.decisions", 0, 7, at(3), b"acc", value))
    assert isinstance(passed, DeadLetter)
    assert passed.content["reason"] == reason


def test_the_intake_counts_documents_and_publications_from_one_and_says_how_many_came_before() -> None:
    story, entries, intake = OfferStory(), DictEntries(), EngagementValidator()

    def take(topic: str, key: str, event: dict[str, object]) -> object:
        return intake.take(entries, Record(topic, 0, 0, at(9), key.encode(), to_json(event)))

    for version in (1, 2):
        document = {**story.event("program.document", at()), "document": "tiers", "version": version, "body": TIERS}
        passed = take("loyalty.program", f"tiers@{version}", {**document, "effective_from": format_time(at())})
        assert isinstance(passed, Document)
        assert (passed.position, passed.key) == (version, f"tiers@{version}")
    for position in (1, 2, 3):
        consent = {**story.event("member.consent", at(1)), "account_id": "acc", "member_id": "mia"}
        passed = take("loyalty.members", "mia:consent", {**consent, "offers": True, "profiling": True})
        assert isinstance(passed, Published)
        assert passed.position == position
    passed = take("loyalty.decisions", "a", {**LEDGER, "account_id": "a", "balance": {**BALANCE, "tier": "b"}})
    assert isinstance(passed, ForAccount)
    assert (passed.account_id, passed.documents, passed.published) == ("a", 2, 3)


# What is kept


def test_nothing_is_kept_of_the_past_that_no_rule_can_need() -> None:
    story = OfferStory()
    story.campaign(max_per_member=1, window_days=1, active_to=format_time(at(2_000)))
    for day in range(900):
        story.clicks(at(day))
    kept = story.loop.checkpoint()
    assert sum(name.startswith("seen/") for name in kept.accounts["acc"]) == 35
    assert len(kept.accounts["acc"]) < 40
    assert set(kept.maker) == {"campaign/spring", "member/mia"}
    assert len(kept.maker["member/mia"]) < 367 * 10


def test_the_intake_knows_its_campaigns_again_after_a_restart() -> None:
    story = OfferStory()
    story.campaign()
    story.campaign(version=2, since=at(5), triggers=["open"])
    story.crash_and_go_on(story.loop.checkpoint())
    assert story.clicks(at(6)) == []
    assert outcomes(story.clicks(at(6), "open")) == ["spring offered"]
