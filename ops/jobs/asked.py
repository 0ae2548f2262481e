"""Options of a command made from the table of settings (`jobs.settings`)."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from jobs.config import JobConfig, in_a_sentence
from jobs.settings import Setting, settings_of
from ops.durations import in_words, milliseconds
from ops.errors import Refusal
from ops.options import BootstrapOption

Command = Callable[..., None]


def asks_for(config: type[JobConfig], *, submitted: bool = False) -> Callable[[Command], Command]:
    """Gives a command the options of a job's settings, those of a submitted job too if it is to be `submitted`.

    The command itself takes what they say as its first argument, a `config`, and its own options by their names.
    """
    settings = [setting for setting in settings_of(config) if submitted or not setting.submitted_only]

    def with_options(command: Command) -> Command:
        own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
        parameters = [*map(_parameter, settings), *(one.replace(kind=one.KEYWORD_ONLY) for one in own)]

        def asked(**given: Any) -> None:
            values = {setting.name: _value(setting, given.pop(_word(setting))) for setting in settings}
            command(configuration(config, values), **given)

        asked.__doc__ = command.__doc__
        asked.__name__ = command.__name__
        asked.__annotations__ = {one.name: one.annotation for one in parameters}
        asked.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return asked

    return with_options


def configuration(config: type[JobConfig], given: dict[str, Any]) -> JobConfig:
    """A job's configuration from what was given; None leaves a setting to its default.

    Raises:
        Refusal: a setting is out of its range; in one sentence, with its name.
    """
    try:
        return config.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as problem:
        raise Refusal(in_a_sentence(problem)) from problem


def _word(setting: Setting) -> str:
    return setting.name.removesuffix("_ms")


def _value(setting: Setting, given: Any) -> Any:
    return milliseconds(given) if setting.is_duration else given


def _parameter(setting: Setting) -> inspect.Parameter:
    if setting.name == "bootstrap":
        annotation: Any = BootstrapOption
    elif setting.is_duration:
        annotation = Annotated[str, typer.Option(help=setting.help)]
    else:
        option = typer.Option(help=setting.help, min=setting.least, max=setting.most)
        kind = setting.type if setting.required or setting.default is not None else setting.type | None
        annotation = Annotated[kind, option]
    default = in_words(setting.default) if setting.is_duration else setting.default
    return inspect.Parameter(
        _word(setting),
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if setting.required else default,
        annotation=annotation,
    )
