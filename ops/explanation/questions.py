"""Which decision a question is about, and the answers to it."""

from __future__ import annotations

from typing import NamedTuple

from loyalty.explanation import conditions, what_if
from loyalty.explanation.conditions import Condition
from loyalty.explanation.explanation import Explanation, explain
from loyalty.explanation.search import Change
from loyalty.program import Program
from loyalty.times import parse_time
from loyalty.wire.decisions import Plain
from ops.errors import Exit, Refusal
from ops.explanation.index import Found, Index


class Question(NamedTuple):
    """What is asked: exactly one of the first four, or a `why_not` that says enough."""

    decision_id: str | None = None
    account: str | None = None
    order: str | None = None
    redemption: str | None = None
    at: str | None = None
    why_not: str | None = None


class Answer(NamedTuple):
    """A decision explained, and what else happened to what it is about."""

    place: Found
    explanation: Explanation
    also: list[Found]
    """Other decisions about the same order or redemption."""


class WhyNot(NamedTuple):
    """Every condition of what did not happen, and what would have made it happen."""

    about: str
    conditions: list[Condition]
    changes: list[Change]
    decision: Found | None
    """That decided it; None where nothing was decided."""


def answer(question: Question, index: Index, program: Program) -> Answer:
    """Explains the decision that the question is about. Raises Refusal where there is none."""
    found, also = _sought(question, index)
    history = [one.decision for one in index.ledger(found.decision["account_id"])]
    offers = [one.decision for one in index.offers(found.decision["account_id"])]
    return Answer(found, explain(found.decision, history, offers, program), also)


def _sought(question: Question, index: Index) -> tuple[Found, list[Found]]:
    if question.decision_id is not None:
        return _one(index.by_id(question.decision_id), f"with the id {question.decision_id}", question, index), []
    if question.order is not None:
        found = index.by_order(question.order)
        first = _one(found, f"about order {question.order}", question, index)
    elif question.redemption is not None:
        found = index.by_redemption(question.redemption)
        first = _one(found, f"about redemption {question.redemption}", question, index)
    else:
        assert question.account is not None
        return _latest(question.account, question.at, index), []
    mine = [one for one in found if one.decision["account_id"] == first.decision["account_id"]]
    return first, [one for one in mine if one != first]


def _one(found: list[Found], what: str, question: Question, index: Index) -> Found:
    """The first of these decisions, of the account that was named if one was."""
    mine = [one for one in found if question.account in (None, one.decision["account_id"])]
    accounts = sorted({one.decision["account_id"] for one in mine})
    if not mine:
        raise _not_there(f"No decision {what} is there", index)
    if len(accounts) > 1:
        raise Refusal(f"Decisions {what} are of several accounts, {', '.join(accounts)}: name one with --account.")
    return mine[0]


def _latest(account: str, at: str | None, index: Index) -> Found:
    """The latest decision of an account's ledger, at a moment."""
    ledger = index.ledger(account)
    if not ledger:
        raise _not_there(f"Account {account} has no decision", index)
    known = [one for one in ledger if at is None or parse_time(one.decision["occurred_at"]) <= parse_time(at)]
    if not known:
        first = ledger[0].decision["occurred_at"]
        raise Refusal(f"Account {account} had no decision by {at}: its first is of {first}.", Exit.FOUND)
    return known[-1]


def _not_there(said: str, index: Index) -> Refusal:
    age = index.age()
    count = 0 if age is None else age.decisions
    rest = "What became of an event that made no decision stands in loyalty.dead-letters."
    return Refusal(f"{said}, among the {count:,} decisions that the index has. {rest}", Exit.FOUND)


def why_not(question: Question, index: Index, program: Program) -> WhyNot:
    """Every condition of an offer, a tier or a redemption. Raises Refusal."""
    assert question.why_not is not None
    kind, _, name = question.why_not.partition(":")
    if kind == "redemption" and name:
        return _why_not_redeemed(question._replace(redemption=name), index, program)
    if kind not in ("tier", "offer") or not name:
        raise Refusal(f"{question.why_not!r} should be offer:ID, tier:NAME or redemption:ID.")
    if question.account is None:
        raise Refusal(f"Whose {kind} is asked for? Name the account with --account.")
    latest = _latest(question.account, question.at, index)
    moment = parse_time(question.at or latest.decision["occurred_at"])
    if kind == "offer":
        return _why_not_offered(name, latest.decision, moment, index, program)
    try:
        needed = conditions.of_tier(latest.decision, program, name, moment)
    except LookupError as problem:
        raise Refusal(f"{problem.args[0]}.") from problem
    held = latest.decision["balance"]["tier"] == name
    more = [] if held else [what_if.to_reach(latest.decision, program, name, moment)]
    return WhyNot(f"tier {name} for account {question.account}", needed, more, latest)


def _why_not_redeemed(question: Question, index: Index, program: Program) -> WhyNot:
    assert question.redemption is not None
    found = [one for one in index.by_redemption(question.redemption) if one.decision["type"] == "redemption.decided"]
    first = _one(found, f"on redemption {question.redemption}", question, index)
    history = [one.decision for one in index.ledger(first.decision["account_id"])]
    needed = conditions.of_redemption(first.decision, program)
    return WhyNot(f"redemption {question.redemption}", needed, what_if.changes(first.decision, program, history), first)


def _why_not_offered(offer_id: str, latest: Plain, moment: int, index: Index, program: Program) -> WhyNot:
    account = latest["account_id"]
    about = f"offer {offer_id} to account {account}"
    decided = [
        one
        for one in index.offers(account)
        if one.decision["subject"].get("offer_id") == offer_id and parse_time(one.decision["occurred_at"]) <= moment
    ]
    if decided:
        found = max(decided, key=lambda one: (one.decision["occurred_at"], one.decision["sequence"]))
        needed = conditions.of_offer(found.decision, program)
        return WhyNot(about, needed, what_if.changes(found.decision, program, []), found)
    needed = conditions.of_campaigns(offer_id, program, moment, latest["balance"]["tier"])
    if not needed:
        raise Refusal(f"No campaign in force then has an offer {offer_id}.", Exit.FOUND)
    return WhyNot(about, needed, [], None)
