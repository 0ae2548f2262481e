"""The offers job on a real broker: the same offers as the domain makes, however it is run; and their taking up."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from loyalty.docket import to_json
from loyalty.offers_loop import OffersOutcome, run_offers
from loyalty.wire import engagements, members, program
from ops.generate import generate
from tests.kafka.on_kafka import (
    DEAD_LETTERS,
    DECISIONS,
    Plain,
    by_place,
    by_the_loop,
    first_differences,
    fresh_outputs,
    fresh_topics,
    records,
    run_to_end,
    values,
    without_the_hour,
)
from tests.kafka_records import Kept, read_all, send

EVENTS = 1_500
ACCOUNTS = 120
ENGAGEMENTS = 8_000
SEED = 5


@pytest.fixture(scope="module")
def ledger(bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> list[Kept]:
    """The input, sent once, and the ledger's decisions about it, which say the tiers."""
    fresh_topics(bootstrap)
    generate(bootstrap, EVENTS, SEED, ACCOUNTS, engagements=ENGAGEMENTS)
    run_to_end(bootstrap, tmp_path_factory.mktemp("ledger") / "state")
    return read_all(bootstrap, DECISIONS)


def _put_back(bootstrap: str, kept: list[Kept]) -> None:
    """Decisions, nothing else, each in the partition where it was."""
    fresh_outputs(bootstrap)
    for partition in sorted({record.partition for record in kept}):
        pairs = [(record.key, record.value) for record in kept if record.partition == partition]
        send(bootstrap, DECISIONS, pairs, partition=partition)


def _by_the_domain(bootstrap: str) -> OffersOutcome:
    return run_offers(
        records(bootstrap, program.TOPIC, members.TOPIC, DECISIONS), records(bootstrap, engagements.TOPIC)
    )


def _offers(bootstrap: str) -> list[Plain]:
    return [decision for decision in values(bootstrap, DECISIONS) if decision["stream"] == "offers"]


def _whatever_the_order(decisions: Iterable[Plain]) -> dict[str, Plain]:
    """Decisions by their id, without what depends on the order in which members come: how much of the budget others
    had used by then. Here it is enough for all."""
    found = without_the_hour(decisions)
    for decision in found.values():
        assert decision["reasons"][0]["code"] != "budget_exhausted"
        del decision["evidence"]["facts"]["used_points"]
    return found


@pytest.mark.parametrize(("mode", "parallelism"), [("thread", 4), ("process", 1)])
def test_the_job_makes_the_offers_that_the_domain_makes(
    bootstrap: str, ledger: list[Kept], tmp_path: Path, mode: str, parallelism: int
) -> None:
    _put_back(bootstrap, ledger)
    expected = _by_the_domain(bootstrap)
    as_sent = _whatever_the_order(json.loads(to_json(decision)) for decision in expected.decisions)
    run_to_end(bootstrap, tmp_path / "state", "--mode", mode, "--parallelism", str(parallelism), job="offers")

    found = _offers(bootstrap)
    assert first_differences(_whatever_the_order(found), as_sent) == []
    assert len(found) == len(as_sent), "an undisturbed run repeats nothing"
    assert first_differences(by_place(values(bootstrap, DEAD_LETTERS)), by_place(expected.dead_letters)) == []
    reasons = Counter(decision["reasons"][0]["code"] for decision in found)
    assert {"offered", "no_consent", "cap_reached"} <= reasons.keys()
    assert expected.dead_letters != []


def test_offers_that_there_are_at_the_start_are_known_before_the_first_purchase(
    bootstrap: str, ledger: list[Kept], tmp_path: Path
) -> None:
    _put_back(bootstrap, ledger)
    run_to_end(bootstrap, tmp_path / "offers", job="offers")
    _put_back(bootstrap, [kept for kept in read_all(bootstrap, DECISIONS) if b'"offers"' in (kept.value or b"")])
    run_to_end(bootstrap, tmp_path / "decisions", "--parallelism", "2")

    expected = without_the_hour(by_the_loop(bootstrap).decisions)
    decided = [decision for decision in values(bootstrap, DECISIONS) if decision["stream"] == "ledger"]
    assert first_differences(without_the_hour(decided), expected) == []
    assert len(decided) == len(expected)
    reasons = Counter(reason["code"] for decision in decided for reason in decision["reasons"])
    assert reasons["offer_taken"] > 20
    assert reasons["order_reversed"] > 0
