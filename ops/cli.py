"""The `loyalty` command: which verbs there are, and how a refusal looks.

A verb is one line in `VERBS`. Only the module of the verb that was asked for is imported, so `loyalty --help` does not
load Flink, and a verb's module may import what it needs at its top.
"""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, NamedTuple

import typer

from ops.errors import Exit, Refusal
from ops.parent import end_with_parent


class Verb(NamedTuple):
    """Where a verb is: `module:attribute`, a function with typer's annotations or a `typer.Typer` of several."""

    target: str
    summary: str


VERBS: dict[str, Verb] = {
    "kafka": Verb("ops.kafka.verbs:app", "A Kafka broker on this machine: start, stop, status."),
    "topics": Verb("ops.topics.verbs:app", "The topics of the catalogue: plan, apply."),
    "program": Verb("ops.program.verbs:app", "The documents of the programme: check, publish."),
    "demo": Verb("ops.demo.show:demo_command", "The whole loop on this machine, with a story to follow."),
    "watch": Verb("ops.decisions.watch:watch_command", "Show decisions as they are made."),
    "reconcile": Verb("ops.reconcile.verbs:reconcile_command", "Prove that nothing was lost or doubled."),
    "explain": Verb(
        "ops.explanation.verbs:explain_command", "Say why the system decided so, and what would have changed it."
    ),
    "verify": Verb(
        "ops.proof.verbs:verify_command", "Decide every decision again, and see that none was changed or lost."
    ),
    "anchor": Verb("ops.proof.verbs:anchor_command", "Write down a number that stands for all decisions so far."),
    "parked": Verb("ops.parked.verbs:app", "Accounts that wait since a defect: list, retry."),
    "generate": Verb("ops.generate.verbs:generate_command", "Send realistic traffic; a seed gives the same events."),
    "run": Verb(
        "ops.jobs.verbs:run_app", "Jobs on this machine that go on where they stopped: decisions, offers, all."
    ),
    "sql": Verb("ops.sql.verbs:app", "The SQL models: check, test, plan, run, audit, show."),
    "submit": Verb("ops.jobs.verbs:submit_app", "A job to a Flink cluster: decisions, offers, context, sql."),
}


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"loyalty {version('loyalty-decision-loop')}")
        raise typer.Exit(Exit.DONE)


def command_line(arguments: Sequence[str]) -> typer.Typer:
    """The command as it has to be for these arguments: the verb that they name is imported, the others are named."""
    app = typer.Typer(
        help="Points, tiers and redemptions decided in real time, over Kafka.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_root)
    asked = next((word for word in arguments if not word.startswith("-")), None)
    for name, verb in VERBS.items():
        if name != asked:
            app.command(name, help=verb.summary)(_not_imported)
            continue
        module, attribute = verb.target.split(":")
        found: typer.Typer | Callable[..., None] = getattr(import_module(module), attribute)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name, help=verb.summary)
        else:
            app.command(name)(found)
    return app


def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", callback=_say_version, is_eager=True)
    ] = False,
) -> None:
    """Makes verbs of the commands even while there is only one."""


def _not_imported() -> None:
    """Stands for a verb that was not asked for."""


def main() -> None:
    """Entry point of `loyalty`: what it did not do is said in one sentence on standard error, with its exit code."""
    arguments = sys.argv[1:]
    end_with_parent()
    try:
        command_line(arguments)(args=arguments, prog_name="loyalty")
    except Refusal as refusal:
        print(refusal.message, file=sys.stderr)
        sys.exit(refusal.code)
