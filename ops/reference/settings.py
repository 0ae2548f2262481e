"""`settings.md`: what a job is told when it starts, by the table that makes its configuration and its command lines."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any

from pydantic_core import PydanticUndefined

from jobs.config import DecisionsConfig, JobConfig, OffersConfig, SqlConfig
from jobs.profiles import KNOBS, Knobs
from ops.reference.markdown import code, page, sentences, table
from ops.reference.source import field_texts

_INTRODUCTION = """Times are milliseconds here and `500ms`, `10s`, `1m`, `24h` on a command line. A setting that is an
option of `loyalty run` or `loyalty submit` is in [The `loyalty` command](cli.md) as well; the others are set by whoever
starts the job."""
_PROFILES = """`--profile` sets these together. It changes no decision, and a job may go on in the other one."""

JOBS: dict[str, type[JobConfig]] = {"decisions": DecisionsConfig, "offers": OffersConfig, "sql": SqlConfig}


def text() -> str:
    """The page, as Markdown."""
    return page(
        "Settings",
        "`jobs/config.py` and `jobs/profiles.py`",
        [
            _INTRODUCTION,
            *(part for name, config in JOBS.items() for part in _job(name, config)),
            "## Profiles",
            _PROFILES,
            _profiles(),
        ],
    )


def _job(name: str, config: type[JobConfig]) -> Iterator[str]:
    texts = field_texts(config)
    yield f"## {name}"
    yield table(
        ["Setting", "", "Default"],
        [
            [code(field), found.description or sentences(texts.get(field)), _default(found.default)]
            for field, found in config.model_fields.items()
        ],
    )


def _default(value: Any) -> str:
    if value is PydanticUndefined or value is None:
        return ""
    return code(value.value if isinstance(value, Enum) else value)


def _profiles() -> str:
    texts = field_texts(Knobs)
    return table(
        ["", *(code(profile.value) for profile in KNOBS), ""],
        [
            [code(name), *(str(getattr(knobs, name)) for knobs in KNOBS.values()), sentences(texts.get(name))]
            for name in Knobs._fields
        ],
    )
