"""`loyalty verify` and `loyalty anchor` from the command line."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from loyalty.proof import anchors as pure
from loyalty.proof.findings import Kind
from loyalty.times import parse_time
from ops.answers import JsonOption, print_json
from ops.errors import Exit, Refusal
from ops.options import BootstrapOption
from ops.proof import anchors
from ops.proof.read import WORTH_A_PROCESS, Asked, Proof, prove

COLUMNS = 100
SHOWN = 10
"""Findings that are shown; `--json` has more."""
_COUNTS = {
    "decisions": "decisions read",
    "again": "decided again from their evidence",
    "first_edition": "of the first edition, which cannot be",
    "repeated": "repeated by delivery, compared in a second reading",
    "streams": "streams (accounts, and members with offers)",
    "taken_as_they_stood": "streams that begin before what was read",
}


def verify_command(
    bootstrap: BootstrapOption,
    since: Annotated[
        str | None, typer.Option("--from", help="Only what was written to the topic since this moment (UTC).")
    ] = None,
    account: Annotated[str | None, typer.Option(help="Only this account.")] = None,
    anchor: Annotated[
        str | None,
        typer.Option(help="Hold all against an anchor: a file of `loyalty anchor`, `topic`, or MOMENT:ROOT."),
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="How many processes read. Default: one a core.")] = Asked(
        ""
    ).processes,
    as_json: JsonOption = False,
) -> None:
    """Decide every decision again from its evidence, and follow sequences, seals and balances; exit 1 if one is not
    what was decided."""
    if anchor is not None and (since is not None or account is not None):
        raise Refusal("An anchor stands for everything: leave out --from and --account.")
    said = None if anchor is None else anchors.find(anchor, bootstrap)
    asked = Asked(bootstrap, _moment(since), account, None if said is None else said.until, processes=processes)
    began = time.monotonic()
    proof = prove(asked)
    if said is not None and (found := pure.compare(said, proof.heads)) is not None:
        proof.findings.append(found)
        proof.kinds[found.kind] += 1
    took = time.monotonic() - began
    if as_json:
        print_json(_answer(proof, said, took))
        raise typer.Exit(Exit.FOUND if proof.kinds else Exit.DONE)
    _show(proof, said, took)
    if proof.kinds:
        number = sum(proof.kinds.values())
        what = "1 finding" if number == 1 else f"{number:,} findings"
        raise Refusal(f"The decisions are not what was decided: {what}. The first: {proof.findings[0]}", Exit.FOUND)


def anchor_command(
    bootstrap: BootstrapOption,
    until: Annotated[
        str | None, typer.Option(help="Anchor what was decided before this moment. Default: the last midnight in UTC.")
    ] = None,
    to_file: Annotated[
        Path | None, typer.Option(help=f"Add it to this file. Default: send it to {anchors.TOPIC}.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write down one number that stands for all decisions so far, for `loyalty verify --anchor` to hold them against.

    Streams and seals are followed first: what does not hold together is not anchored."""
    moment = anchors.moment_to_anchor(until)
    proof = prove(Asked(bootstrap, until=moment, decide_again=False))
    if proof.kinds:
        raise Refusal(
            f"Nothing was anchored, since the decisions do not hold together. {proof.findings[0]}", Exit.FOUND
        )
    made = pure.anchor(moment, proof.heads)
    if to_file is None:
        anchors.write_to_topic(bootstrap, made)
    else:
        anchors.write_to_file(to_file, made)
    if as_json:
        print_json({**made._asdict(), "branches": None, "written_to": to_file or anchors.TOPIC})
        return
    typer.echo(f"{made.until}:{made.root}")
    typer.echo(
        f"stands for {made.decisions:,} decisions of {made.streams:,} streams; it was added to "
        f"{to_file or f'the topic {anchors.TOPIC}'}.",
        err=True,
    )


def _moment(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_time(text)
    except ValueError as problem:
        raise Refusal(f"{problem}.") from problem


def _answer(proof: Proof, said: pure.Anchor | None, took_s: float) -> dict[str, Any]:
    return {
        "sound": not proof.kinds,
        "counts": {name: proof.counts[name] for name in _COUNTS},
        "kinds": {str(kind): count for kind, count in proof.kinds.items()},
        "findings": [
            {
                "kind": str(finding.kind),
                "partition": finding.at and finding.at.partition,
                "offset": finding.at and finding.at.offset,
                "sentence": finding.sentence,
            }
            for finding in proof.findings
        ],
        "anchor": None if said is None else {"until": said.until, "root": said.root},
        "seconds": round(took_s, 3),
    }


def _show(proof: Proof, said: pure.Anchor | None, took_s: float) -> None:
    console = Console(width=COLUMNS, highlight=False)
    counts = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    counts.add_column(justify="right")
    for name, what in _COUNTS.items():
        if proof.counts[name] or name in ("decisions", "again", "streams"):
            counts.add_row(f"{proof.counts[name]:,}", what)
    for kind in Kind:
        if kind in (Kind.CUT_OFF, Kind.REWRITTEN) and said is None:
            continue
        number = proof.kinds[kind]
        counts.add_row(f"{number:,}", f"{kind}: {kind.meaning}", style="bold red" if number else "green")
    console.print(counts)
    decisions = proof.counts["decisions"]
    rate = f", {decisions / took_s:,.0f} decisions/s" if decisions >= WORTH_A_PROCESS else ""
    console.print(f"{took_s:.1f} s{rate}.")
    if said is None:
        console.print("Without an anchor nobody can see a tail that is gone, or an account rewritten seals and all.")
    else:
        console.print(f"Held against the anchor {said.until}:{said.root}.")
    for finding in proof.findings[:SHOWN]:
        console.print(f"- {finding}", style="red", markup=False)
    if len(proof.findings) > SHOWN:
        console.print(f"… and {sum(proof.kinds.values()) - SHOWN:,} more; --json has them.")
