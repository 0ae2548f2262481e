"""Every decision follows from its own evidence and the rules that it names, and from nothing else."""

from __future__ import annotations

import json
from collections import defaultdict
from functools import cache
from typing import Any

import jsonschema
import pytest
from hypothesis import given

from bench.inputs import programme
from loyalty.decided_again import DECIDE, difference
from loyalty.explanation.explanation import explain
from loyalty.explanation.lots import LedgerAgain
from loyalty.in_memory_run import InMemoryRun
from loyalty.offers.in_memory_run import InMemoryOffersRun
from loyalty.offers.validation import INPUTS as OFFERS_INPUTS
from loyalty.program import Program
from loyalty.records import Record
from loyalty.state.facts import is_made_offer
from loyalty.wire import engagements
from loyalty.wire.decisions import TOPIC, parse_decision
from loyalty.wire.evidence import EVIDENCE
from loyalty.wire.json import to_json
from loyalty.wire.program import TOPIC as PROGRAM
from loyalty.wire.program import parse_program_document
from loyalty.wire.schemas import schemas
from loyalty.wire.sealing import NO_SEAL, seal_of
from loyalty.wire.transactions import TOPIC as TRANSACTIONS
from ops.generate.send import traffic_records
from ops.generate.settings import Traffic
from tests.agreement.test_histories import ours
from tests.oracle.histories import Case, histories
from tests.oracle.tries import tried_with

Plain = dict[str, Any]
OPTIONAL = {"version", "late", "partner_bp", "points_without_partner", "partner_share"}
"""Of the evidence: what is there only where it means something. Without a version it is of the first edition."""


@cache
def _decided() -> tuple[Program, dict[str, list[Plain]]]:
    """What the generator's traffic leads to, by type of decision, as it is read from the topic."""
    records = [Record(one.topic, 0, at, 1 << 41, one.key, one.value) for at, one in enumerate(_traffic())]
    offers, ledger = InMemoryOffersRun(), InMemoryRun(600_000)
    decisions = []
    for record in records:
        if record.topic in OFFERS_INPUTS and record.topic != engagements.TOPIC:
            offers.read(record)
    for record in records:
        if record.topic != TRANSACTIONS and record.topic != engagements.TOPIC:
            ledger.read(record)
    for record in records:
        if record.topic == engagements.TOPIC:
            for decision in offers.read(record):
                decisions.append(decision)
                text = to_json(decision | {"decided_at": decision["occurred_at"]})
                if is_made_offer(parse_decision(text)):
                    ledger.read(Record(TOPIC, 0, record.offset, 1 << 41, decision["account_id"].encode(), text))
        elif record.topic == TRANSACTIONS:
            ledger.read(record)
    decisions += ledger.outcome.decisions
    program = Program()
    for record in records:
        if record.topic == PROGRAM:
            program.learn(parse_program_document(record.value))
    by_type = defaultdict(list)
    for decision in decisions:
        by_type[decision["type"]].append(json.loads(to_json(decision)))
    return program, by_type


def _traffic() -> list[Any]:
    return [*programme(), *traffic_records(Traffic(seed=3, events=6_000, accounts=120, days=520, engagements=6_000))]


def test_every_type_of_decision_has_its_shape_of_evidence_and_its_pure_function() -> None:
    assert {kind: len(shapes) for kind, shapes in EVIDENCE.items()} == {
        kind: len(functions) for kind, functions in DECIDE.items()
    }


@pytest.mark.parametrize("kind", DECIDE)
def test_every_decision_is_decided_again_from_its_evidence_and_its_rules(kind: str) -> None:
    program, by_type = _decided()
    assert by_type[kind] != []
    assert [found for decision in by_type[kind] if (found := difference(decision, program)) is not None] == []


@pytest.mark.parametrize("kind", DECIDE)
def test_a_fact_that_is_left_out_of_the_evidence_is_noticed(kind: str) -> None:
    program, by_type = _decided()
    for decision in by_type[kind][:200]:
        for fact in decision["evidence"].keys() - {"version", "late"}:
            less = {name: value for name, value in decision["evidence"].items() if name != fact}
            assert difference(decision | {"evidence": less}, program) is not None, fact


@pytest.mark.parametrize("kind", DECIDE)
def test_another_outcome_points_or_sentence_than_the_evidence_leads_to_is_noticed(kind: str) -> None:
    program, by_type = _decided()
    decision = by_type[kind][-1]
    reasons = [{**decision["reasons"][0], "detail": "Because."}]
    for forged in ({"outcome": "forged"}, {"points": decision["points"] + 1}, {"reasons": reasons}):
        assert difference(decision | forged, program) is not None, forged


@tried_with(500)
@given(histories())
def test_every_decision_of_every_history_is_decided_again(history: Case) -> None:
    loop = InMemoryRun(history.lag_ms)
    for record in (*ours(history.reference), *ours(history.transactions)):
        loop.read(record)
    decisions = [json.loads(to_json(decision)) for decision in loop.outcome.decisions]
    assert [found for decision in decisions if (found := difference(decision, loop.program)) is not None] == []


@pytest.mark.parametrize("kind", DECIDE)
def test_the_published_schema_knows_the_evidence_of_each_type(kind: str) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(schemas()["loyalty.decisions/decision.json"]))
    _, by_type = _decided()
    for decision in by_type[kind][:50]:
        published = decision | {"decided_at": decision["occurred_at"]}
        validator.validate(published)
        for fact in decision["evidence"].keys() - OPTIONAL:
            less = {name: value for name, value in decision["evidence"].items() if name != fact}
            assert not validator.is_valid(published | {"evidence": less}), fact


@pytest.mark.parametrize("stream", ["ledger", "offers"])
def test_the_seals_of_a_stream_are_one_chain_that_an_edit_a_gap_or_a_swap_breaks(stream: str) -> None:
    _, by_type = _decided()
    whose = "account_id" if stream == "ledger" else "member_id"
    streams = defaultdict(list)
    for decisions in by_type.values():
        for decision in decisions:
            if decision["stream"] == stream:
                streams[decision[whose]].append(decision)
    chains = [sorted(decisions, key=lambda one: int(one["sequence"])) for decisions in streams.values()]
    assert all(holds(chain) for chain in chains)
    chain = max(chains, key=len)
    edited = [*chain[:-1], chain[-1] | {"points": chain[-1]["points"] + 1}]
    assert not holds(edited)
    assert not holds(chain[1:])
    assert not holds([chain[1], chain[0], *chain[2:]])
    elsewhere = [one | {"decided_at": "x", "cause": one["cause"] | {"partition": 9, "offset": 9}} for one in chain]
    assert holds(elsewhere)


def test_the_lots_behind_every_balance_follow_from_the_decisions_alone() -> None:
    program, by_type = _decided()
    ledgers = defaultdict(list)
    for decisions in by_type.values():
        for decision in decisions:
            if decision["stream"] == "ledger":
                ledgers[decision["account_id"]].append(decision)
    for ledger in ledgers.values():
        again = LedgerAgain(program)
        for decision in sorted(ledger, key=lambda one: int(one["sequence"])):
            again.apply(decision)  # raises where the lots do not sum to the balance that it says


def test_every_decision_can_be_explained() -> None:
    program, by_type = _decided()
    for decisions in by_type.values():
        for decision in decisions[:40]:
            why = explain(decision, decisions, decisions, program)
            assert why.decided_otherwise is None
            assert {rule.document for rule in why.rules} == decision["rules"].keys()


def holds(chain: list[Plain]) -> bool:
    """Whether each seal follows from the one before."""
    seals = [NO_SEAL, *(bytes.fromhex(decision["seal"]) for decision in chain)]
    return all(seal_of(seals[at], decision) == seals[at + 1] for at, decision in enumerate(chain))
