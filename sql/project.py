"""The files of the SQL project: what there is, and what each says. Nothing here needs Flink."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent
CONTEXT = "engagement_context"
"""The model that the fraud gate reads. It runs in a job of its own, so that no other model can take it down."""
RESULTS = "results"
"""The database of the tables that say how a model is written."""


@dataclass(frozen=True)
class SqlFile:
    """One statement in one file."""

    name: str
    path: Path
    text: str

    @property
    def fixture(self) -> Path:
        return self.path.with_suffix(".yaml")


@dataclass(frozen=True)
class Project:
    """Every file, by name, in order of names."""

    root: Path
    sources: dict[str, SqlFile]
    models: dict[str, SqlFile]
    sinks: dict[str, SqlFile]
    audits: dict[str, SqlFile]

    @property
    def written(self) -> list[str]:
        """The models that are written to a topic."""
        return [name for name in self.models if name in self.sinks]

    @property
    def reports(self) -> list[str]:
        """The models that run together: all that are written but the one that the fraud gate waits for."""
        return [name for name in self.written if name != CONTEXT]

    def is_view(self, name: str) -> bool:
        """Whether a name in FROM is a model; a table of `sources/` goes first (`engagement_context` is both)."""
        return name in self.models and name not in self.sources


def read_project(root: Path = ROOT) -> Project:
    """The project in a folder, as its files are now; the one of this package from an archive, too."""
    where: Any = files("sql") if root == ROOT else root
    return Project(
        root=root,
        **{folder: _files(where / folder, root / folder) for folder in ("sources", "models", "sinks", "audits")},
    )


def _files(folder: Any, path: Path) -> dict[str, SqlFile]:
    found = {}
    for file in sorted(folder.iterdir() if folder.is_dir() else (), key=lambda each: each.name):
        if file.name.endswith(".sql"):
            name = file.name.removesuffix(".sql")
            found[name] = SqlFile(name, path / file.name, file.read_text(encoding="utf-8"))
    return found
