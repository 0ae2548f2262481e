"""`loyalty generate`: sends realistic traffic, and says what it sent and what must become of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from loyalty.times import format_time, parse_time
from ops.answers import JsonOption, print_json
from ops.generate.faults import DUPLICATE
from ops.generate.send import Sent, send
from ops.generate.settings import DEFAULT_END, Traffic, default_accounts
from ops.options import BootstrapOption
from ops.program.documents import FOLDER


def _moment(text: str) -> int:
    try:
        return parse_time(text)
    except ValueError as problem:
        raise typer.BadParameter(f"{problem}.") from problem


def generate_command(
    bootstrap: BootstrapOption,
    events: Annotated[int, typer.Option(min=1, help="How many transaction records to send.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same events.")],
    accounts: Annotated[
        int | None, typer.Option(min=1, help="How many households there are. Default: one for twenty events.")
    ] = None,
    engagements: Annotated[
        int | None, typer.Option(min=0, help="How many engagement records to send among them. Default: as many.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.1, help="Transactions a second. Default: as fast as they go.")
    ] = None,
    end: Annotated[str, typer.Option(help="The event time at which the traffic ends.")] = format_time(DEFAULT_END),
    days: Annotated[int, typer.Option(min=1, help="How many days of event time it spans.")] = Traffic.days,
    malformed_rate: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share of records that are malformed.")
    ] = Traffic.malformed_rate,
    duplicate_rate: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share of events that are sent again.")
    ] = Traffic.duplicate_rate,
    fault_rate: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share of records that a rule refuses.")
    ] = Traffic.fault_rate,
    late_rate: Annotated[
        float, typer.Option(min=0, max=1, help="Share of purchases that come 15 minutes to 6 hours late.")
    ] = Traffic.late_rate,
    program: Annotated[Path, typer.Option(help="The folder of the programme.")] = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Send realistic traffic: households that buy, engage, redeem, and now and then do what they should not."""
    began = time.monotonic()
    traffic = Traffic(
        seed=seed,
        events=events,
        accounts=accounts or default_accounts(events),
        end_ms=_moment(end),
        days=days,
        malformed_rate=malformed_rate,
        duplicate_rate=duplicate_rate,
        fault_rate=fault_rate,
        late_rate=late_rate,
        engagements=events if engagements is None else engagements,
    )
    sent = send(bootstrap, traffic, rate, program)
    took = time.monotonic() - began
    if as_json:
        print_json(summary(sent, took))
        return
    for line in table(sent):
        typer.echo(line)
    typer.echo(f"{sent.transactions:,} transaction records sent in {took:.1f} s.")


def summary(sent: Sent, took_s: float) -> dict[str, Any]:
    """What `table` says, for a program."""
    by_topic: dict[str, dict[str, int]] = {}
    for (topic, kind), count in sorted(sent.kinds.items()):
        by_topic.setdefault(topic, {})[kind] = count
    return {"sent": by_topic, "expected": dict(sent.expected), "seconds": round(took_s, 3)}


def table(sent: Sent) -> Iterator[str]:
    """What was sent, by topic and kind, then what must become of the bad ones."""
    topic_before = ""
    for (topic, kind), count in sorted(sent.kinds.items()):
        if topic != topic_before:
            yield topic
            topic_before = topic
        yield f"  {kind:<24}{count:>12,}"
    if sent.expected:
        yield "to be refused or ignored"
        for reason, count in sorted(sent.expected.items()):
            yield f"  {reason:<24}{count:>12,}{'  (known, no dead letter)' if reason == DUPLICATE else ''}"
        yield "  Honest traffic adds to no_hold: a commit after a denied request finds nothing held."
