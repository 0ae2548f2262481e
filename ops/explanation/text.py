"""Explanations as people read them, in 100 columns."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from loyalty.explanation.chain import Link
from loyalty.explanation.headlines import headline
from loyalty.explanation.lots import LotChange
from loyalty.explanation.rules_used import RuleUsed
from loyalty.explanation.search import Change
from loyalty.rules.words import moment
from loyalty.times import parse_time
from loyalty.wire.decisions import Plain
from ops.explanation.index import Found
from ops.explanation.questions import Answer, WhyNot

COLUMNS = 100
_BALANCES = ("pending", "available", "held", "debt", "qualifying", "tier")


def show(answer: Answer) -> Iterator[str]:
    """The lines of an explanation."""
    found, why = answer.place, answer.explanation
    decision = found.decision
    yield headline(decision)
    yield _name(found)
    yield from _part("Why", [line for said in why.sentences for line in _wrapped(said)])
    if why.decided_otherwise is not None:
        yield from _part("Not what was decided", _wrapped(why.decided_otherwise))
    yield from _part("Event", [_event(decision)])
    if decision["stream"] == "ledger":
        yield from _part("Balance", list(_balances(why.balance_before, decision["balance"])))
        if why.lots is None:
            yield from _part("Lots", ["They cannot be told: the account's ledger is not on record from its beginning."])
        else:
            yield from _part("Lots", [line for lot in why.lots for line in _lot(lot)])
    yield from _part("Rules", [line for rule in why.rules for line in _wrapped(_rule(rule))])
    chain = [line for link in why.chain.links for line in _link(link)]
    yield from _part("Behind it", [*chain, *_wrapped(why.chain.said or "")])
    yield from _part("What would have changed it", [line for one in why.changes for line in _change(one)])
    yield from _part("Also about it", [line for one in answer.also for line in _wrapped(_other(one))])


def show_why_not(answer: WhyNot) -> Iterator[str]:
    """The lines of a *why not*."""
    yield f"Why not {answer.about}?"
    if answer.decision is not None:
        yield headline(answer.decision.decision)
        yield _name(answer.decision)
    else:
        yield "Nothing was decided about it."
    yield ""
    for one in answer.conditions:
        measured = "" if one.actual is None else f": {_number(one.actual)}"
        needed = (
            "" if one.threshold is None else f" (should be {one.needs} {_number(one.threshold)})".replace("  ", " ")
        )
        mark = "yes" if one.met else "NO "
        yield from _wrapped(f"{mark}  {one.what}{measured}{needed}  [{one.document}]", "     ")
    yield from _part("What would have changed it", [line for one in answer.changes for line in _change(one)])


def _part(name: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield name
        yield from (f"  {line}" for line in lines)


def _wrapped(text: str, indent: str = "  ") -> list[str]:
    return (
        wrap(text, COLUMNS - 2, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
        if text
        else []
    )


def _name(found: Found) -> str:
    decision = found.decision
    whose = f"account {decision['account_id']}"
    if decision["stream"] == "offers":
        whose = f"member {decision['member_id']}, {whose}"
    return f"Decision {decision['decision_id']}, number {decision['sequence']} of {whose}"


def _event(decision: Plain) -> str:
    cause = decision["cause"]
    timer = f", whose {cause['timer']} was due" if "timer" in cause else ""
    where = f"{cause['topic']}, partition {cause['partition']}, offset {cause['offset']}"
    return f"{cause['event_id']}{timer}: {where}"


def _balances(before: Plain | None, after: Plain) -> Iterator[str]:
    yield f"{'':<12}{'before':>12}{'after':>12}"
    for name in _BALANCES:
        was, now = None if before is None else before[name], after[name]
        changed = "" if was == now else "  *"
        yield f"{name:<12}{_number('–' if was is None else was):>12}{_number(now):>12}{changed}"


def _lot(lot: LotChange) -> Iterator[str]:
    what = f"offer {lot.offer_id}, order {lot.order_id}" if lot.offer_id else f"order {lot.order_id}"
    what = what if lot.order_id else "adjustment"
    until = "never expires" if lot.expires_at is None else f"expires {moment(parse_time(lot.expires_at))}"
    moved = [
        f"{name} {was:,} → {now:,}"
        for name, was, now in zip(("pending", "available", "held"), lot.before, lot.after, strict=True)
        if was != now
    ]
    yield from _wrapped(f"{what}, opened by {lot.opened_by}, {until}: {', '.join(moved)}")


def _rule(rule: RuleUsed) -> str:
    since = "a version that is not on record" if rule.effective_from is None else ""
    since = since or f"in force since {moment(parse_time(rule.effective_from or ''))}"
    decided = ""
    if rule.field is not None:
        decided = f"; what decided: {rule.field}" + ("" if rule.value is None else f" = {_number(rule.value)}")
    return f"{rule.document}@{rule.version}, {since}{decided}"


def _link(link: Link) -> Iterator[str]:
    cause = link.decision["cause"]
    counts = "" if link.counts is None else f" ({link.counts:+,})"
    where = f"{cause['topic']} {cause['partition']}:{cause['offset']}"
    yield from _wrapped(f"{link.why}{counts}: {headline(link.decision)} [{where}]")


def _change(change: Change) -> Iterator[str]:
    if change.outcome is None:
        yield from _wrapped(f"{change.reason}: none was found; {change.sentence}.")
    else:
        yield from _wrapped(f"{change.reason}: {change.outcome} {change.sentence}.")


def _other(found: Found) -> str:
    return f"{headline(found.decision)} ({found.decision['decision_id']})"


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
