"""The offers job on a real broker: the same offers as the domain; and the whole loop beside the oracle."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from jobs.runtime.start_offsets import may_be_made_offer
from loyalty.offers.in_memory_run import OffersOutcome, run_offers
from loyalty.wire import engagements, members, program, transactions
from loyalty.wire.json import to_json
from ops.generate.send import generate
from tests.agreement.compare import dead_letter_differences, differences, offer_differences
from tests.jobs.running import finish
from tests.kafka.on_kafka import (
    DEAD_LETTERS,
    DECISIONS,
    LAG_MS,
    REFERENCE,
    Plain,
    as_the_oracle_reads,
    assert_reconciles,
    by_place,
    first_differences,
    fresh_outputs,
    fresh_topics,
    records,
    run_command,
    run_to_end,
    values,
    without_the_hour,
)
from tests.kafka_records import Kept, read_all, send
from tests.oracle.offers import decide_offers
from tests.oracle.oracle import decide_all

EVENTS = 1_500
ACCOUNTS = 120
ENGAGEMENTS = 8_000
SEED = 5
LOOP_ENGAGEMENTS = int(os.environ.get("LOYALTY_LOOP_ENGAGEMENTS", "20000"))
"""Of the whole loop, with a tenth as many transactions."""


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
        del decision["evidence"]["used_points"]
        del decision["seal"]  # it covers them
    return found


@pytest.mark.parametrize(("parallelism", "profile"), [(4, "throughput"), (1, "latency")])
def test_the_job_makes_the_offers_that_the_domain_makes(
    bootstrap: str, ledger: list[Kept], tmp_path: Path, parallelism: int, profile: str
) -> None:
    _put_back(bootstrap, ledger)
    expected = _by_the_domain(bootstrap)
    as_sent = _whatever_the_order(json.loads(to_json(decision)) for decision in expected.decisions)
    run_to_end(bootstrap, tmp_path / "state", "--parallelism", str(parallelism), "--profile", profile, job="offers")

    found = _offers(bootstrap)
    assert first_differences(_whatever_the_order(found), as_sent) == []
    assert len(found) == len(as_sent), "an undisturbed run repeats nothing"
    assert first_differences(by_place(values(bootstrap, DEAD_LETTERS)), by_place(expected.dead_letters)) == []
    reasons = Counter(decision["reasons"][0]["code"] for decision in found)
    assert {"offered", "no_consent", "cap_reached"} <= reasons.keys()
    assert expected.dead_letters != []


def test_the_whole_loop_and_the_oracle_decide_alike(bootstrap: str, tmp_path: Path) -> None:
    """`loyalty run all --until-end`: offers first, which the decision job then has read before its first purchase."""
    fresh_topics(bootstrap)
    accounts = max(100, LOOP_ENGAGEMENTS // 200)
    generate(bootstrap, LOOP_ENGAGEMENTS // 10, SEED, accounts, engagements=LOOP_ENGAGEMENTS)
    finish(run_command(bootstrap, tmp_path, "--until-end", job="all"))

    decisions = values(bootstrap, DECISIONS)
    offers = [decision for decision in decisions if decision["stream"] == "offers"]
    ledger = [decision for decision in decisions if decision["stream"] == "ledger"]
    reference = as_the_oracle_reads(bootstrap, *REFERENCE)
    made = [one for one in as_the_oracle_reads(bootstrap, DECISIONS) if may_be_made_offer(one.value)]
    offering = decide_offers(as_the_oracle_reads(bootstrap, engagements.TOPIC), reference)
    expected = decide_all(as_the_oracle_reads(bootstrap, transactions.TOPIC), [*reference, *made], LAG_MS)
    letters = values(bootstrap, DEAD_LETTERS)
    of_engagements = [letter for letter in letters if letter["topic"] == engagements.TOPIC]
    reasons = Counter(reason["code"] for decision in decisions for reason in decision["reasons"])
    print(
        f"{len(offers):,} offers, the oracle's {len(offering.decisions):,}; {len(ledger):,} decisions of the ledger, "
        f"the oracle's {len(expected.decisions):,}; {reasons}"
    )

    assert offer_differences(offers, offering.decisions) == []
    assert dead_letter_differences(of_engagements, offering.dead_letters) == []
    assert differences(ledger, expected.decisions) == []
    assert_reconciles(bootstrap)
    assert reasons["offered"] > LOOP_ENGAGEMENTS // 200
    assert reasons["offer_taken"] > LOOP_ENGAGEMENTS // 2_000
    assert reasons["order_reversed"] > 0
