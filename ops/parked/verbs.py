"""`loyalty parked`: accounts and members that wait since the domain failed at a record of theirs."""

from __future__ import annotations

from typing import Annotated

import typer

from loyalty.times import format_time
from ops.answers import JsonOption, print_json
from ops.errors import Exit, Refusal
from ops.kafka.sending import Sender
from ops.options import BootstrapOption
from ops.parked.letters import Parking, parked

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_command(bootstrap: BootstrapOption, as_json: JsonOption = False) -> None:
    """List who is parked, since when, by which record and why; exit 1 if somebody is."""
    found = parked(bootstrap)
    if as_json:
        print_json({"parked": [_plain(one) for one in found]})
        raise typer.Exit(Exit.FOUND if found else Exit.DONE)
    for one in found:
        record, behind = one.record, f"{one.behind} behind it" if one.behind else "none behind it"
        typer.echo(
            f"{_key(one)}: {record.topic} {record.partition}@{record.offset} of {format_time(record.timestamp_ms)}, "
            f"{behind}. {one.why}"
        )
    if found:
        raise typer.Exit(Exit.FOUND)
    typer.echo("Nobody is parked.")


@app.command("retry")
def retry_command(
    bootstrap: BootstrapOption,
    keys: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY]…", help="Accounts or members, as `list` names them.")
    ] = None,
    everybody: Annotated[bool, typer.Option("--all", help="All that are parked.")] = False,
) -> None:
    """Send the records again that parked these accounts or members: those that can be decided now let them go on."""
    wanted = set(keys or ())
    if everybody == bool(wanted):
        raise Refusal("Name the accounts or members to try again, or say --all.")
    found = [one for one in parked(bootstrap) if everybody or _key(one) in wanted]
    missing = sorted(wanted - {_key(one) for one in found})
    if missing:
        raise Refusal(f"Not parked: {', '.join(missing)}.")
    with Sender(bootstrap) as sender:
        for one in found:
            sender.send_to(one.record.topic, one.record.partition, one.record.key, one.record.value)
    typer.echo(f"Sent {len(found)} {'record' if len(found) == 1 else 'records'} again.")


def _key(one: Parking) -> str:
    return (one.record.key or b"").decode("utf-8", "replace")


def _plain(one: Parking) -> dict[str, object]:
    record = one.record
    place = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
    return {"key": _key(one), **place, "received_at": format_time(record.timestamp_ms), "behind": one.behind} | {
        "why": one.why
    }
