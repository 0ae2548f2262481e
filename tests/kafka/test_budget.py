"""A budget that runs out under eight parallel instances, and a job that is killed on the way there."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from loyalty.times import format_time, parse_time
from loyalty.wire import engagements, members, program
from ops.kafka.sending import Sender
from tests.jobs.running import kill, running, wait_until
from tests.kafka.on_kafka import DECISIONS, Plain, fresh_topics, run_command, run_to_end, values, without_the_hour
from tests.kafka.traffic import Message, flowing, send

MEMBERS = 2_000
ENGAGEMENTS = 6_000
AT_FIRST = 1_500
A_SECOND = 900
AFTER_THE_KILL = 1_000
"""So many engagements come only when the job has been killed."""
BONUS, BUDGET = 100, 200_050
"""The last 50 points are too few for an offer."""
AT = parse_time("2026-03-01T00:00:00.000Z")
OPTIONS = ("--parallelism", "8", "--checkpoint-interval", "1s")


def _event(kind: str, event_id: str, at: int, **fields: Any) -> bytes:
    envelope = {"event_id": event_id, "type": kind, "schema_version": 1, "source": "test"}
    return json.dumps({**envelope, "occurred_at": format_time(at), **fields}).encode()


def _campaign() -> bytes:
    body = {
        "active_from": format_time(AT),
        "active_to": "2026-04-01T00:00:00.000Z",
        "triggers": ["open"],
        "tiers": [],
        "offer": {"offer_id": "rush-100", "bonus_points": BONUS, "min_amount": 1, "valid_days": 7},
        "cap": {"max_per_member": 2, "window_days": 30},
        "budget_points": BUDGET,
        "priority": 1,
    }
    of = {"document": "campaign/rush", "version": 1, "effective_from": format_time(AT), "body": body}
    return _event("program.document", "campaign/rush@1", AT, **of)


def _engagements(numbers: range) -> list[Message]:
    made: list[Message] = []
    for number in numbers:
        member = number % MEMBERS
        whose = {"account_id": f"account-{member}", "member_id": f"member-{member}", "channel": "email"}
        made.append(
            (engagements.TOPIC, b"member-%d" % member, _event("open", f"open-{number}", AT + 1 + number, **whose))
        )
    return made


def _made(decisions: list[Plain]) -> list[Plain]:
    return [decision for decision in decisions if decision["outcome"] == "made"]


def test_a_job_that_is_killed_overspends_no_budget_and_leaves_nearly_none_of_it(bootstrap: str, tmp_path: Path) -> None:
    fresh_topics(bootstrap)
    with Sender(bootstrap) as sender:
        sender.send(program.TOPIC, b"campaign/rush@1", _campaign())
        for member in range(MEMBERS):
            whose = {"account_id": f"account-{member}", "member_id": f"member-{member}"}
            consent = _event("member.consent", f"consent-{member}", AT, **whose, offers=True, profiling=False)
            sender.send(members.TOPIC, b"member-%d:consent" % member, consent)
    send(bootstrap, _engagements(range(AT_FIRST)))
    log = tmp_path / "log"
    with running(run_command(bootstrap, tmp_path / "state", *OPTIONS, job="offers"), log) as job:
        wait_until("offers are made", lambda: len(values(bootstrap, DECISIONS)) >= AT_FIRST, job, log)
        rest = _engagements(range(AT_FIRST, ENGAGEMENTS))
        with flowing(bootstrap, rest, A_SECOND, AFTER_THE_KILL):
            more = AT_FIRST + A_SECOND
            wait_until("more are made", lambda: len(values(bootstrap, DECISIONS)) > more, job, log)
            kill(job)
    before = len(values(bootstrap, DECISIONS))
    said = run_to_end(bootstrap, tmp_path / "state", *OPTIONS, job="offers")

    assert "Going on from the last checkpoint" in said
    decisions = values(bootstrap, DECISIONS)
    distinct = list(without_the_hour(decisions).values())  # and no id stands for two different decisions
    print(f"{before} decisions before the crash, {len(decisions)} after, {len(decisions) - len(distinct)} repeated")
    assert len(distinct) == ENGAGEMENTS, "one campaign fits, so each engagement is decided once"
    spent = BONUS * len(_made(distinct))
    assert spent <= BUDGET
    assert spent >= 0.99 * BUDGET
    assert max(Counter(decision["cause"]["event_id"] for decision in _made(distinct)).values()) == 1
    sequences: dict[str, list[int]] = defaultdict(list)
    for decision in distinct:
        sequences[decision["member_id"]].append(decision["sequence"])
    assert all(sorted(of) == list(range(1, len(of) + 1)) for of in sequences.values()), "no gap, nothing twice"
