"""`loyalty watch`: decisions as they are made, in words, coloured by outcome."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from textwrap import wrap
from types import FrameType
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from ops.kafka.reading import follow
from ops.options import BootstrapOption

COLUMNS = 100
INDENT = " " * 18
_COLOURS = {
    "approved": "bold green",
    "denied": "bold red",
    "review": "bold yellow",
    "made": "green",
    "suppressed": "yellow",
    "started": "yellow",
    "ended": "green",
}
_COLOUR_OF_TYPE = {
    "points.earned": "green",
    "points.released": "green",
    "points.reversed": "red",
    "points.expired": "yellow",
    "tier.changed": "bold magenta",
    "reward.issued": "cyan",
    "reward.revoked": "red",
}


def line(decision: dict[str, Any], latency_ms: int | None = None) -> Text:
    """One decision in 100 columns: when, whose, what and how many points; below, the sentence that explains it and
    what the account has then."""
    outcome, kind = decision["outcome"], decision["type"]
    colour = _COLOURS.get(outcome) or _COLOUR_OF_TYPE.get(kind, "white")
    what = kind if outcome == "posted" else f"{kind} {outcome}"
    points = decision["points"]
    balance = decision["balance"]
    whose = decision["member_id"] if decision["stream"] == "offers" else decision["account_id"]
    text = Text()
    text.append(f"{decision['occurred_at'][:16].replace('T', ' ')}  ", style="dim")
    text.append(f"{whose:<24.24} #{decision['sequence']:<5} ", style="dim")
    text.append(f"{what:<32}", style=colour)
    text.append(f"{points:>+12,}" if points else "", style=colour)
    if latency_ms is not None:
        text.append(f"  {latency_ms} ms", style="dim")
    text.append("\n")
    has = f"({balance['available']:,} available, {balance['tier'] or 'no tier yet'})"
    said = wrap(f"{decision['reasons'][0]['detail']} {has}", COLUMNS, initial_indent=INDENT, subsequent_indent=INDENT)
    text.append("\n".join(said))
    return text


def watch(
    bootstrap: str,
    console: Console,
    *,
    from_beginning: bool = False,
    account: str | None = None,
    count: int | None = None,
    going_on: Callable[[], bool] = lambda: True,
) -> None:
    """Print decisions until `going_on` says no, or `count` of them were shown."""
    left = count

    def still() -> bool:
        return going_on() and (left is None or left > 0)

    for record in follow(bootstrap, "loyalty.decisions", from_beginning=from_beginning, going_on=still):
        decision = json.loads(record.value or b"{}")
        if account is not None and decision["account_id"] != account:
            continue
        if left is not None:
            if left == 0:
                return
            left -= 1
        console.print(line(decision), soft_wrap=True)


def watch_command(
    bootstrap: BootstrapOption,
    account: Annotated[str | None, typer.Option(help="Only this account's decisions.")] = None,
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="Also those that were made before.")] = False,
    count: Annotated[int | None, typer.Option(min=1, help="Stop after this many.")] = None,
) -> None:
    """Show decisions as they are made, coloured by outcome. Ctrl-C ends it."""
    stopped = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    watch(
        bootstrap,
        Console(),
        from_beginning=from_beginning,
        account=account,
        count=count,
        going_on=lambda: not stopped,
    )
