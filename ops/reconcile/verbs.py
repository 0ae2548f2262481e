"""`loyalty reconcile`: reads the topics to their end, and says whether they hold together."""

from __future__ import annotations

import typer

from loyalty.records import Record
from ops.answers import JsonOption, print_json
from ops.errors import Exit, Refusal
from ops.kafka.reading import read_all
from ops.options import BootstrapOption
from ops.reconcile.transactions import (
    DEAD_LETTERS,
    DECISIONS,
    MEMBERS,
    PROGRAM,
    TRANSACTIONS,
    Reconciliation,
    reconcile,
)


def reconcile_topics(bootstrap: str) -> Reconciliation:
    """Read the topics to their end and reconcile them."""
    read: dict[str, list[Record]] = {TRANSACTIONS: [], DECISIONS: [], DEAD_LETTERS: [], MEMBERS: [], PROGRAM: []}
    for record in read_all(bootstrap, *read):
        read[record.topic].append(record)
    return reconcile(*read.values())


def show(found: Reconciliation) -> list[str]:
    """The reconciliation in lines for a person."""
    lines = [
        f"read {found.read:,} = used {found.used:,} + duplicate {found.duplicate:,} + dead letter {found.dead_letter:,}"
        + (f" + waiting {found.waiting:,}" if found.waiting else ""),
        f"decisions {found.decisions:,} for {found.accounts:,} accounts"
        + (f", {found.repeated:,} of them repeated by at-least-once delivery" if found.repeated else ""),
    ]
    if found.members_with_offers:
        lines.append(
            f"offers {found.offers_made:,} made, {found.offers_suppressed:,} suppressed, "
            f"for {found.members_with_offers:,} members"
        )
    if found.reasons:
        lines.append(
            "dead letters: " + ", ".join(f"{reason} {count}" for reason, count in sorted(found.reasons.items()))
        )
    lines.append(f"conservation, sequences, counts: {len(found.violations)} violations")
    lines += found.violations[:20]
    return lines


def reconcile_command(bootstrap: BootstrapOption, as_json: JsonOption = False) -> None:
    """Prove from the topics that nothing was lost, doubled or made up; exit 1 if something was."""
    found = reconcile_topics(bootstrap)
    if as_json:
        print_json({"sound": found.sound, **found._asdict()})
        raise typer.Exit(Exit.DONE if found.sound else Exit.FOUND)
    for line in show(found):
        typer.echo(line)
    if not found.sound:
        raise Refusal("The topics do not reconcile.", Exit.FOUND)
