"""What command lines ask of a job: the table of settings, read from the job's configuration.

`loyalty run` and `loyalty submit` make their options of it, and so does the job that is submitted (`jobs.command`).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NamedTuple

from jobs.config import SUBMITTED, JobConfig


class Setting(NamedTuple):
    """A row of the table."""

    name: str
    """Of the field; one that ends with `_ms` is a duration in milliseconds."""
    type: type[Any]
    """`str`, `int` or an enumeration of texts; a setting without a value is None."""
    default: Any
    """None where there is none, or where it has to be given."""
    required: bool
    help: str
    least: int | None
    most: int | None
    submitted_only: bool
    """Whether it is asked for only when a job is submitted."""

    @property
    def is_duration(self) -> bool:
        return self.name.endswith("_ms")

    @property
    def option(self) -> str:
        """As the submitted job is told it: durations in milliseconds."""
        return "--" + self.name.replace("_", "-")


def settings_of(config: type[JobConfig]) -> list[Setting]:
    """The settings of a job that are asked for."""
    return [
        Setting(
            name=name,
            type=_type(field.annotation),
            default=None if field.is_required() else field.default,
            required=field.is_required(),
            help=field.description,
            least=_bound(field.metadata, "ge"),
            most=_bound(field.metadata, "le"),
            submitted_only=SUBMITTED in field.metadata,
        )
        for name, field in config.model_fields.items()
        if field.description is not None
    ]


def _bound(constraints: list[Any], name: str) -> int | None:
    return next((bound for one in constraints if (bound := getattr(one, name, None)) is not None), None)


def _type(annotation: Any) -> type[Any]:
    """The type without the None that says that there may be no value."""
    kinds = [kind for kind in getattr(annotation, "__args__", (annotation,)) if kind is not type(None)]
    found: type[Any] = kinds[0]
    return found


def as_arguments(config: JobConfig) -> list[str]:
    """The command line that tells a submitted job these settings."""
    arguments = []
    for setting in settings_of(type(config)):
        value = getattr(config, setting.name)
        if value is not None:
            arguments += [setting.option, str(value)]
    return arguments


def read_arguments(config: type[JobConfig], word: str, arguments: Sequence[str] | None = None) -> JobConfig:
    """The settings from a command line; what it leaves out has its default. `word` is what the job is called there.

    Raises pydantic's ValidationError for a setting out of its range.
    """
    parser = argparse.ArgumentParser(prog=word)
    for setting in settings_of(config):
        parser.add_argument(setting.option, required=setting.required, help=setting.help)
    given = {name: value for name, value in vars(parser.parse_args(arguments)).items() if value is not None}
    return config.model_validate(given)
