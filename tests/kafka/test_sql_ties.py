"""The liability that SQL publishes is the decision job's, to the point, and the audits see what is tampered with."""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from ops.generate.send import generate
from ops.own_command import own_command
from ops.topics.catalogue import read_catalogue
from ops.topics.plan import apply
from tests.jobs.running import ROOT, WITHIN_S, finish
from tests.kafka.on_kafka import DECISIONS, Plain, fresh_topics, run_to_end, values
from tests.kafka_records import Kept, delete_topics, read_all, send

LIABILITY = "loyalty.points-liability-daily"
COLUMNS = ("earned", "released", "reversed", "adjusted", "expired", "redeemed")


def loyalty_sql(*words: str) -> list[str]:
    return own_command(["sql", *words])


@pytest.fixture(scope="module")
def decided(bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """4 000 generated events, decided by the job, some of the decisions sent twice, and the liability of every day."""
    fresh_topics(bootstrap)
    generate(bootstrap, 4_000, seed=5)
    folder = tmp_path_factory.mktemp("state")
    where = ("--bootstrap", bootstrap)
    run_to_end(bootstrap, folder / "decisions")
    for partition in range(4):  # as after a crash: the last of each partition again
        copies = [kept for kept in read_all(bootstrap, DECISIONS) if kept.partition == partition][-50:]
        send(bootstrap, DECISIONS, [(kept.key, kept.value) for kept in copies], partition)
    finish(loyalty_sql("run", "points_liability_daily", *where, "--state", str(folder / "sql"), "--until-end"))
    yield bootstrap
    delete_topics(bootstrap, [topic.name for topic in read_catalogue()])


def test_the_liability_of_every_day_is_the_sum_of_the_balances(decided: str) -> None:
    published: dict[str, Plain] = {}
    for kept in read_all(decided, LIABILITY):
        published[json.loads(kept.key or b"")["day"]] = json.loads(kept.value or b"null")
    expected = by_balances(values(decided, DECISIONS))
    assert {day: row["closing"] for day, row in published.items()} == expected
    assert len(expected) > 80
    assert expected[max(expected)] == sum(latest_balances(values(decided, DECISIONS)).values())
    opening = 0
    for _, row in sorted(published.items()):
        assert row["opening"] == opening
        assert row["opening"] + sum(row[name] for name in COLUMNS) == row["closing"]
        opening = row["closing"]


def by_balances(decisions: Iterable[Plain]) -> dict[str, int]:
    """What all accounts have together at the end of each day on which that changed, by the balances alone."""
    changes: dict[str, int] = defaultdict(int)
    before: dict[str, int] = defaultdict(int)
    for _, decision in sorted(by_number(decisions).items()):
        now = total(decision["balance"])
        if now != before[decision["account_id"]]:
            changes[decision["occurred_at"][:10]] += now - before[decision["account_id"]]
            before[decision["account_id"]] = now
    found, so_far = {}, 0
    for day, change in sorted(changes.items()):
        so_far += change
        found[day] = so_far
    return found


def latest_balances(decisions: Iterable[Plain]) -> dict[str, int]:
    return {account: total(one["balance"]) for (account, _), one in sorted(by_number(decisions).items())}


def by_number(decisions: Iterable[Plain]) -> dict[tuple[str, int], Plain]:
    return {(one["account_id"], one["sequence"]): one for one in decisions}


def total(balance: Plain) -> int:
    found: int = balance["pending"] + balance["available"] + balance["held"] - balance["debt"]
    return found


def test_the_audits_find_nothing_until_decisions_are_tampered_with(decided: str) -> None:
    clean = audit(decided)
    assert clean.returncode == 0, clean.stdout + clean.stderr

    replace_decisions(decided, tampered(read_all(decided, DECISIONS)))
    found = audit(decided)
    assert found.returncode == 1, found.stdout + found.stderr
    for name in (
        "balances_are_possible",
        "points_tie_to_balances",
        "liability_ties_to_balances",
        "sequences_have_no_gap",
        "one_decision_per_id",
        "holds_end",
    ):
        assert name in found.stdout


def audit(bootstrap: str) -> subprocess.CompletedProcess[str]:
    command = loyalty_sql("audit", "--bootstrap", bootstrap)
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=WITHIN_S, check=False)


def tampered(records: list[Kept]) -> list[Kept]:
    """A copy of the decisions in which some accounts' are not as they were, each account's in another way."""
    found = list(records)
    untouched = {kept.key for kept in records}

    def first(what: str) -> int:
        """The first decision of this type of an account that nothing was done to."""
        for at, kept in enumerate(found):
            if kept.key in untouched and json.loads(kept.value or b"null")["type"] == what:
                untouched.remove(kept.key)
                return at
        raise AssertionError(f"no {what} is left to tamper with")

    def changed(at: int, **fields: Any) -> Kept:
        decision = json.loads(found[at].value or b"null")
        return found[at]._replace(value=json.dumps({**decision, **fields}).encode())

    at = first("points.earned")  # points that no balance shows
    found[at] = changed(at, points=1_000_000)
    at = first("points.adjusted")  # debt beside available points
    balance = json.loads(found[at].value or b"null")["balance"]
    found[at] = changed(at, balance={**balance, "available": 5, "debt": 5})
    at = first("points.released")  # another decision under its id
    found.append(changed(at, outcome="made up"))
    del found[first("redemption.released")]  # a hold that never ends
    return found


def replace_decisions(bootstrap: str, records: list[Kept]) -> None:
    delete_topics(bootstrap, [DECISIONS])
    apply(bootstrap, read_catalogue())
    for partition in sorted({kept.partition for kept in records}):
        pairs = [(kept.key, kept.value) for kept in records if kept.partition == partition]
        send(bootstrap, DECISIONS, pairs, partition)
