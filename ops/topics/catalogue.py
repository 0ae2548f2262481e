"""The topics as the catalogue declares them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from ops.errors import Refusal
from ops.yaml_lines import BadYaml, read

CATALOGUE = Path(__file__).parents[2] / "catalogue" / "topics.yaml"
DAY_MS = 86_400_000
DONE_WITHIN_S = 30.0

Words = Annotated[str, Field(min_length=1)]


class Topic(BaseModel):
    """One topic as the catalogue declares it. Contract §1 fixes names, classes, keys, retention and classification."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,248}$")]
    description: Words
    event_class: Annotated[
        Literal["transaction", "engagement", "reference", "decision", "operational"], Field(alias="class")
    ]
    key: Words
    ordering: Words
    classification: Literal["internal", "confidential", "personal"]
    owner: Words
    partitions: Annotated[int, Field(ge=1, le=10_000)]
    compacted: bool = False
    retention_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    timestamps: Literal["create", "append"]
    max_bytes: Annotated[int, Field(ge=1024, le=64 * 1024 * 1024)]

    @model_validator(mode="after")
    def _is_kept_in_one_way(self) -> Topic:
        if self.compacted == (self.retention_days is not None):
            raise ValueError("a topic has either `compacted: true` or `retention_days`")
        return self

    @property
    def config(self) -> dict[str, str]:
        """The topic settings that the catalogue decides, as Kafka names them; every other one is the broker's."""
        kept = (
            {"cleanup.policy": "delete", "retention.ms": str(self.retention_days * DAY_MS)}
            if self.retention_days is not None
            else {"cleanup.policy": "compact"}
        )
        return {
            **kept,
            "message.timestamp.type": "LogAppendTime" if self.timestamps == "append" else "CreateTime",
            "max.message.bytes": str(self.max_bytes),
        }

    @property
    def summary(self) -> str:
        partitions = "1 partition" if self.partitions == 1 else f"{self.partitions} partitions"
        kept = "compacted" if self.retention_days is None else f"kept {self.retention_days} days"
        return f"{partitions}, {kept}, {self.config['message.timestamp.type']}"


class _Catalogue(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    topics: Annotated[list[Topic], Field(min_length=1)]


def read_catalogue(path: Path = CATALOGUE) -> list[Topic]:
    """The topics that the file declares.

    Raises:
        Refusal: the file cannot be read or does not follow the rules; the message names file, line and reason.
    """
    try:
        documents = list(read(path.read_text(encoding="utf-8")))
    except OSError as problem:
        raise Refusal(f"{path} cannot be read: {problem.strerror}.") from problem
    except UnicodeDecodeError as problem:
        raise Refusal(f"{path} is not UTF-8 text: {problem}.") from problem
    except BadYaml as problem:
        raise Refusal(f"{path}:{problem.line}: {problem}.") from problem
    if len(documents) != 1:
        raise Refusal(f"{path}:1: one YAML document with `topics:` is expected, not {len(documents)}.")
    content = documents[0]
    try:
        topics = _Catalogue.model_validate(content.value).topics
    except ValidationError as problem:
        wrong = sorted((content.line(error["loc"]), _in_words(error)) for error in problem.errors())
        raise Refusal("\n".join(f"{path}:{line}: {reason}." for line, reason in wrong)) from problem
    names = [topic.name for topic in topics]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise Refusal(f"{path}:{content.line(('topics', index, 'name'))}: {name} is declared twice.")
    return topics


def _in_words(error: ErrorDetails) -> str:
    """What is wrong with which field; the line that is said beside it tells of which topic."""
    field_name = error["loc"][-1] if error["loc"] else ""
    match error["type"]:
        case "missing":
            return f"{field_name} is missing"
        case "extra_forbidden":
            return f"{field_name} is not a field of a topic"
        case "value_error":
            return error["msg"].removeprefix("Value error, ")
    reason = error["msg"][:1].lower() + error["msg"][1:]
    return f"{field_name}: {reason}, not {error['input']!r}"
