"""`reasons.md` and `sentences.md`: why something was decided or refused, as a code and as a sentence."""

from __future__ import annotations

from itertools import groupby
from typing import get_args

from loyalty.rules.reason_texts import reason_text
from loyalty.rules.sentence_examples import EXAMPLES
from loyalty.wire.decisions import DeadLetterReason
from ops.reference.markdown import code, page, table

DEAD_LETTERS = {
    "malformed_json": "it is no JSON, or no value where one has to be",
    "schema_violation": "a known field is missing, has another type, or lies beyond its bounds",
    "key_mismatch": "the record's key is not what its topic asks for",
    "too_early": "it says to be of more than 5 minutes after its record's timestamp",
    "conflicting_duplicate": "its `event_id` was used before, with other content",
    "no_programme": "there was no `earning`, `tiers`, `redemption` or `fraud` in force at its time",
    "duplicate_order": "the account knows its order already",
    "unknown_currency": "`earning` has no rate for its currency",
    "unknown_partner": "its partner is not in the programme, or not active",
    "over_refund": "it brings back more units than a line has left",
    "unknown_order": "no purchase with its order came within 24 hours",
    "duplicate_redemption": "the account knows its redemption already",
    "unknown_redemption": "the account does not know its redemption",
    "no_hold": "its redemption holds nothing, or was committed already",
}
"""What each reason of a dead letter says of the record."""

_CODES = """The first entry of a decision's `reasons` is the one that decided. What a code's `actual` and `threshold`
are is in the contract's §5; the sentences are in [Sentences](sentences.md)."""
_REFUSED = """A refused record is on `loyalty.dead-letters` as it came; its `detail` says in a sentence what is wrong.
The checks are made in this order, and the first that fails counts."""
_SENTENCES = """What a support agent reads aloud: the `detail` of each reason, with an example of every form."""


def reasons() -> str:
    """The codes, as Markdown."""
    codes = dict.fromkeys((kind, name) for kind, name, _ in EXAMPLES)
    decided = [
        [code(kind) if at == 0 else "", code(_pattern(name)), reason_text(name)]
        for kind, of_kind in groupby(codes, key=lambda one: one[0])
        for at, (_, name) in enumerate(of_kind)
    ]
    refused = [[code(name), DEAD_LETTERS[name]] for name in get_args(DeadLetterReason)]
    return page(
        "Reasons",
        "`loyalty/rules/` and `loyalty/wire/decisions.py`",
        [
            "## Of decisions",
            _CODES,
            table(["Decision", "Code", "Means"], decided),
            "## Of dead letters",
            _REFUSED,
            table(["Reason", "The record was refused because"], refused),
        ],
    )


def sentences() -> str:
    """Every sentence, as Markdown."""
    rows = [
        [code(kind) if at == 0 else "", code(_pattern(name)), said]
        for kind, of_kind in groupby(EXAMPLES, key=lambda one: one[0])
        for at, (_, name, said) in enumerate(of_kind)
    ]
    return page(
        "Sentences", "`loyalty/rules/sentences.py`", [_SENTENCES, table(["Decision", "Code", "Sentence"], rows)]
    )


def _pattern(name: str) -> str:
    """A velocity rule's code holds the rule's name, which is the programme's."""
    kind, has_name, _ = name.partition(":")
    return f"{kind}:<name>" if has_name else kind
