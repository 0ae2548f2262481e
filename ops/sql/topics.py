"""Which topics models and audits read and write."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ops.sql.show import topic_of
from sql.names import tables_of
from sql.project import RESULTS, Project, SqlFile


def topics_read(tables: Any, project: Project, files: Iterable[SqlFile]) -> list[str]:
    """The topics that models and audits read, themselves or through models, in order of names."""
    names = {name for file in files for name in tables_of(tables, project, file)}
    known = {**project.sources, **{f"{RESULTS}.{name}": sink for name, sink in project.sinks.items()}}
    return sorted({topic_of(known[name]) for name in names if name in known})


def topics_written(project: Project, names: Iterable[str]) -> list[str]:
    """The topics that these models write, in order of names."""
    return sorted({topic_of(project.sinks[name]) for name in names})
