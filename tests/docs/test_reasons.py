"""Every reason and every type of decision is in the reference."""

from __future__ import annotations

from typing import get_args

from loyalty.rules.sentence_examples import EXAMPLES
from loyalty.wire.decisions import DeadLetterReason, DecisionType, FixedReasonCode
from loyalty.wire.evidence import EVIDENCE
from ops.reference.reasons import DEAD_LETTERS


def test_every_reason_has_a_sentence_as_an_example() -> None:
    shown = {name for _, name, _ in EXAMPLES}
    assert {name for name in shown if not name.startswith("velocity:")} == set(get_args(FixedReasonCode))
    assert any(name.startswith("velocity:") for name in shown)


def test_every_type_of_decision_has_a_sentence_and_evidence() -> None:
    assert {kind for kind, _, _ in EXAMPLES} == set(get_args(DecisionType)) == EVIDENCE.keys()


def test_every_reason_of_a_dead_letter_is_explained() -> None:
    assert DEAD_LETTERS.keys() == set(get_args(DeadLetterReason))
