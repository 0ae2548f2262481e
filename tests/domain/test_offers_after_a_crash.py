"""After a crash the offers job goes on from a checkpoint: what was published since stays decided, and nothing is
decided twice, spent twice or wasted."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from loyalty.offers.in_memory_run import Checkpoint
from tests.domain.offer_story import OfferStory, outcomes
from tests.domain.story import at
from tests.oracle.tries import tried_with

Decision = dict[str, Any]


def published_left(checkpoint: Checkpoint) -> bool:
    """Whether anything is remembered of what was published before a crash."""
    entries = checkpoint.maker
    return any(name.startswith("published/") for name in entries) or any(
        b"known-" in entry for name, entry in entries.items() if name.startswith("member/")
    )


def story_of_three_campaigns() -> OfferStory:
    story = OfferStory()
    story.campaign("a", priority=3, max_per_member=1, window_days=3)
    story.campaign("b", priority=2, budget_points=100)
    story.campaign("c", priority=1)
    return story


def known(number: int) -> dict[str, str]:
    return {"event_id": f"known-{number}"}


def test_a_decision_that_was_published_is_not_made_again() -> None:
    story = story_of_three_campaigns()
    before = story.loop.checkpoint()
    click = story.engagement(at(1), **known(1))
    decisions = story.tell(click)
    story.crash_and_go_on(before)
    for decision in decisions:
        story.read_back(decision)
    assert published_left(story.loop.checkpoint())
    assert story.tell(click) == []
    assert not published_left(story.loop.checkpoint())
    after = story.clicks(at(2))
    assert [one["sequence"] for one in after] == [4, 5, 6]
    assert outcomes(after) == ["a cap_reached", "b offered", "c lower_priority"]


def test_the_chain_of_seals_goes_on_from_the_last_decision_that_was_published() -> None:
    story = story_of_three_campaigns()
    before = story.loop.checkpoint()
    published, undisturbed = story.clicks(at(1), **known(1)), story.clicks(at(2), **known(2))
    story.crash_and_go_on(before)
    for decision in published:
        story.read_back(decision)
    again = story.clicks(at(2), **known(2))
    assert [one["seal"] for one in again] == [one["seal"] for one in undisturbed]


def test_a_decision_of_a_release_that_did_not_seal_stays_decided_too() -> None:
    story = story_of_three_campaigns()
    before = story.loop.checkpoint()
    click = story.engagement(at(1), **known(1))
    published = story.tell(click)
    story.crash_and_go_on(before)
    for decision in published:
        story.read_back({name: value for name, value in decision.items() if name != "seal"})
    assert story.tell(click) == []
    assert story.clicks(at(2))[0]["sequence"] == len(published) + 1


def test_what_is_missing_of_an_events_decisions_is_made_and_no_second_offer() -> None:
    for there in range(4):
        story = story_of_three_campaigns()
        before = story.loop.checkpoint()
        click = story.engagement(at(1), **known(1))
        decisions = story.tell(click)
        story.crash_and_go_on(before)
        for decision in decisions[:there]:
            story.read_back(decision)
        again = story.tell(click)
        assert [one["decision_id"] for one in [*decisions[:there], *again]] == [one["decision_id"] for one in decisions]
        assert [one["sequence"] for one in again] == [1, 2, 3][there:]
        assert outcomes(again) == outcomes(decisions)[there:]
        assert outcomes(decisions) == ["a offered", "b lower_priority", "c lower_priority"]


def test_the_last_points_of_a_budget_stay_with_whoever_was_published_to_have_them() -> None:
    story = OfferStory()
    story.consents(True, at(), "max")
    story.campaign(budget_points=50)
    before = story.loop.checkpoint()
    mia, ben = story.engagement(at(1), **known(1)), story.engagement(at(1), **known(2), member_id="max")
    first, second = story.tell(mia), story.tell(ben)
    assert outcomes([*first, *second]) == ["spring offered", "spring budget_exhausted"]
    story.crash_and_go_on(before)
    story.read_back(first[0])
    assert outcomes(story.tell(ben)) == ["spring budget_exhausted"]  # now he comes first
    assert story.tell(mia) == []


def test_an_offer_that_never_left_the_job_frees_its_budget() -> None:
    story = OfferStory()
    story.consents(True, at(), "max")
    story.campaign(budget_points=50)
    before = story.loop.checkpoint()
    mia, ben = story.engagement(at(1)), story.engagement(at(1), member_id="max")
    story.tell(mia)
    story.crash_and_go_on(before)
    assert outcomes(story.tell(ben) + story.tell(mia)) == ["spring offered", "spring budget_exhausted"]


def test_the_job_takes_no_notice_of_its_own_decisions_while_all_is_well() -> None:
    story = story_of_three_campaigns()
    decisions = story.clicks(at(1))
    before = story.loop.checkpoint()
    for decision in decisions:
        story.read_back(decision)
    assert story.loop.checkpoint().maker == before.maker


def test_consent_that_was_withdrawn_meanwhile_stops_what_is_missing() -> None:
    story = OfferStory()
    story.campaign("a", priority=2, max_per_member=0)
    story.campaign("b", priority=1)
    before = story.loop.checkpoint()
    click = story.engagement(at(2))
    decisions = story.tell(click)
    assert outcomes(decisions) == ["a cap_reached", "b offered"]
    story.crash_and_go_on(before)
    story.read_back(decisions[0])
    story.consents(False, at(1))
    assert outcomes(story.tell(click)) == ["b no_consent"]


def test_consent_that_came_meanwhile_does_not_contradict_what_was_published() -> None:
    story = OfferStory(agreed=False)
    story.campaign("a", priority=2)
    story.campaign("b", priority=1)
    before = story.loop.checkpoint()
    click = story.engagement(at(2))
    decisions = story.tell(click)
    story.crash_and_go_on(before)
    story.read_back(decisions[0])
    story.consents(True, at(1))
    assert outcomes(story.tell(click)) == ["b no_consent"]


def test_what_was_published_of_an_engagement_that_never_comes_again_is_forgotten_after_35_days() -> None:
    story = OfferStory()
    story.campaign(max_per_member=99)
    before = story.loop.checkpoint()
    decisions = [decision for number in range(90) for decision in story.clicks(at(1, ms=-number), **known(number))]
    story.crash_and_go_on(before)
    for decision in decisions:
        story.read_back(decision)
    assert any(name.startswith("published/") for name in story.loop.checkpoint().maker)
    story.clicks(at(36, ms=-1))
    assert published_left(story.loop.checkpoint())
    story.clicks(at(36))
    assert not published_left(story.loop.checkpoint())


def test_a_job_that_begins_anew_goes_on_from_all_that_it_has_published() -> None:
    story = story_of_three_campaigns()
    clicks = [story.engagement(at(day)) for day in (1, 2, 5)]
    decisions = [decision for click in clicks for decision in story.tell(click)]
    anew = story_of_three_campaigns()
    for decision in decisions:
        anew.read_back(decision)
    assert [anew.tell(click) for click in clicks] == [[], [], []]
    assert [one["sequence"] for one in anew.clicks(at(6), **known(1))] == [10, 11, 12]


MEMBERS = {"mia": "acc", "max": "acc", "eve": "other", "tom": "third"}
"""Whose account is whose: decisions are published in order for each account."""
BUDGETS = {"a": 110, "b": 260, "c": 10_000}
POINTS = {"a": 50, "b": 40, "c": 30}


@tried_with(300)
@given(
    engaged=st.lists(st.tuples(st.sampled_from(sorted(MEMBERS)), st.integers(-2, 9)), min_size=3, max_size=18),
    crashes=st.lists(st.tuples(st.integers(0, 18), st.integers(0, 18)), min_size=1, max_size=3),
    chance=st.randoms(use_true_random=False),
)
def test_however_it_crashes_nothing_is_decided_twice_or_left_out(
    engaged: list[tuple[str, int]], crashes: list[tuple[int, int]], chance: Any
) -> None:
    story = OfferStory()
    for member_id, account_id in MEMBERS.items():
        story.consents(True, at(-1), member_id, account_id)
    for priority, campaign_id in enumerate(BUDGETS):
        story.campaign(
            campaign_id,
            priority=priority,
            budget_points=BUDGETS[campaign_id],
            bonus_points=POINTS[campaign_id],
            max_per_member=2 if campaign_id == "c" else 9,
            window_days=1,
        )
    queues: dict[str, list[dict[str, Any]]] = defaultdict(list)
    hours = 0
    for member_id, step in engaged:
        hours += step
        whose = {"member_id": member_id, "account_id": MEMBERS[member_id]}
        queues[member_id].append(story.engagement(at(2, hours=hours), **known(len(queues[member_id])), **whose))

    published: list[Decision] = []
    positions: dict[str, int] = dict.fromkeys(queues, 0)

    def engage() -> list[Decision]:
        """The next engagement of a member whom chance picks."""
        member_id = chance.choice(sorted(one for one in queues if positions[one] < len(queues[one])))
        positions[member_id] += 1
        return story.tell(queues[member_id][positions[member_id] - 1])

    def left() -> bool:
        return any(positions[member_id] < len(queue) for member_id, queue in queues.items())

    for until_checkpoint, until_crash in crashes:
        for _ in range(until_checkpoint):
            if left():
                published += engage()
        checkpoint, taken = story.loop.checkpoint(), dict(positions)
        on_its_way: dict[str, list[Decision]] = defaultdict(list)
        for _ in range(until_crash):
            if left():
                for decision in engage():
                    on_its_way[decision["account_id"]].append(decision)
        arrived = [
            decision
            for _, decisions in sorted(on_its_way.items())
            for decision in decisions[: chance.randint(0, len(decisions))]
        ]
        story.crash_and_go_on(checkpoint)
        positions.update(taken)
        for decision in [*published[-3:], *arrived]:  # some that the checkpoint knows, and those that it does not
            story.read_back(decision)
        published += arrived
    while left():
        published += engage()

    sequences = defaultdict(list)
    for decision in published:
        sequences[decision["member_id"]].append(decision["sequence"])
    for found in sequences.values():
        assert sorted(found) == list(range(1, len(found) + 1))
    assert len({decision["decision_id"] for decision in published}) == len(published)
    of_events = Counter((decision["member_id"], decision["cause"]["event_id"]) for decision in published)
    assert of_events == {(member_id, event["event_id"]): 3 for member_id in queues for event in queues[member_id]}
    made = [decision for decision in published if decision["outcome"] == "made"]
    assert len({(decision["member_id"], decision["cause"]["event_id"]) for decision in made}) == len(made)
    used = Counter[str]()
    for decision in made:
        campaign_id = outcomes([decision])[0].split(" ")[0]
        used[campaign_id] += POINTS[campaign_id]
    refused = {one.split(" ")[0] for one in outcomes(published) if one.endswith("budget_exhausted")}
    for campaign_id, budget in BUDGETS.items():
        assert used[campaign_id] <= budget
        if campaign_id in refused:
            assert used[campaign_id] + POINTS[campaign_id] > budget
    assert not published_left(story.loop.checkpoint())
