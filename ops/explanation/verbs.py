"""`loyalty explain` from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from loyalty.explanation.headlines import headline
from loyalty.times import parse_time
from ops.answers import JsonOption, print_json
from ops.errors import Refusal
from ops.explanation.index import Age, Found, opened
from ops.explanation.questions import Answer, Question, WhyNot, answer, why_not
from ops.explanation.text import show, show_why_not
from ops.options import BootstrapOption
from ops.proof.read import program_of

DEFAULT_INDEX = Path(".loyalty/explain.sqlite")


def explain_command(
    bootstrap: BootstrapOption,
    decision_id: Annotated[str | None, typer.Argument(help="The decision.")] = None,
    account: Annotated[
        str | None, typer.Option(help="The account's latest decision; beside others, whose they are.")
    ] = None,
    at: Annotated[str | None, typer.Option(help="With --account: its latest decision at this moment (UTC).")] = None,
    order: Annotated[str | None, typer.Option(help="What the order earned, and what became of it.")] = None,
    redemption: Annotated[str | None, typer.Option(help="What was decided on the redemption, and after.")] = None,
    not_so: Annotated[
        str | None,
        typer.Option("--why-not", help="Every condition of offer:ID, tier:NAME or redemption:ID, met or not."),
    ] = None,
    index: Annotated[Path, typer.Option(help="The index of decisions, which is brought up to date first.")] = (
        DEFAULT_INDEX
    ),
    update: Annotated[bool, typer.Option(help="Without it: answer from the index as it is.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Say why the system decided so: the rules and the threshold, the events, the lots, and what would have changed
    it."""
    question = Question(decision_id, account, order, redemption, at, not_so)
    _check(question)
    with opened(index) as known:
        if update:
            known.update(bootstrap, lambda said: typer.echo(said, err=True))
        age = known.age()
        if age is None:
            raise Refusal(f"There is no index at {index} yet: leave out --no-update.")
        program = program_of(known.documents())
        if not_so is not None:
            found: Answer | WhyNot = why_not(question, known, program)
        else:
            found = answer(question, known, program)
    if as_json:
        print_json(_json(found, age))
        return
    for line in show(found) if isinstance(found, Answer) else show_why_not(found):
        typer.echo(line)
    typer.echo(f"\n{_said(age)}")


def _check(question: Question) -> None:
    asked = [one for one in question[:1] + question[2:4] if one is not None]
    if len(asked) > 1 or not (asked or question.account or question.why_not):
        raise Refusal("Ask about one of: a decision's id, --account, --order, --redemption, --why-not.")
    if question.at is not None:
        if question.account is None or asked:
            raise Refusal("--at goes with --account.")
        try:
            parse_time(question.at)
        except ValueError as problem:
            raise Refusal(f"{problem}.") from problem


def _said(age: Age) -> str:
    ago = f"{age.read_s_ago:,.0f} s ago"
    rest = f" {age.unreadable:,} records could not be read as decisions." if age.unreadable else ""
    return f"From an index of {age.decisions:,} decisions, brought up to date {ago}.{rest}"


def _json(found: Answer | WhyNot, age: Age) -> dict[str, Any]:
    index = {"decisions": age.decisions, "read_s_ago": round(age.read_s_ago, 3), "unreadable": age.unreadable}
    if isinstance(found, WhyNot):
        return {
            "about": found.about,
            "decision": None if found.decision is None else _placed(found.decision),
            "conditions": [one._asdict() for one in found.conditions],
            "changes": [one._asdict() for one in found.changes],
            "index": index,
        }
    why = found.explanation
    lots = None
    if why.lots is not None:
        parts = ("before", "after")
        lots = [one._asdict() | {name: getattr(one, name)._asdict() for name in parts} for one in why.lots]
    return {
        "said": headline(why.decision),
        **_placed(found.place),
        "sentences": why.sentences,
        "decided_otherwise": why.decided_otherwise,
        "balance_before": why.balance_before,
        "lots": lots,
        "rules": [one._asdict() for one in why.rules],
        "chain": {"links": [one._asdict() for one in why.chain.links], "said": why.chain.said},
        "changes": [one._asdict() for one in why.changes],
        "also": [_placed(one) for one in found.also],
        "index": index,
    }


def _placed(found: Found) -> dict[str, Any]:
    return {"decision": found.decision, "partition": found.partition, "offset": found.offset}
