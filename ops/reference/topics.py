"""`topics.md`: the topics that the catalogue declares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ops.reference.markdown import code, page, table
from ops.topics.catalogue import Topic, read_catalogue

MIB = 1_048_576

INTRODUCTION = """`loyalty topics apply` makes a cluster agree with the catalogue
([Change a topic](../how-to/change-topics.md)). Two records with one key lie in one partition, in the order in which
they were sent."""


def text() -> str:
    """The page, as Markdown."""
    topics = read_catalogue()
    return page(
        "Topics",
        "`catalogue/topics.yaml`",
        [
            INTRODUCTION,
            _overview(topics),
            *(part for topic in topics for part in _topic(topic)),
        ],
    )


def _overview(topics: Sequence[Topic]) -> str:
    return table(
        ["Topic", "Class", "Key", "Classification", "Owner", "Kept"],
        [
            [
                f"[`{topic.name}`](#{topic.name.replace('.', '')})",
                topic.event_class,
                topic.key,
                topic.classification,
                topic.owner,
                _kept(topic),
            ]
            for topic in topics
        ],
    )


def _topic(topic: Topic) -> Iterator[str]:
    yield f"## {topic.name}"
    yield topic.description
    yield table(
        ["", ""],
        [
            ["Order", topic.ordering],
            ["Partitions", str(topic.partitions)],
            ["Largest record", f"{topic.max_bytes / MIB:g} MiB"],
            *(["", code(f"{name}={value}")] for name, value in topic.config.items()),
        ],
    )


def _kept(topic: Topic) -> str:
    return "the latest of each key" if topic.retention_days is None else f"{topic.retention_days} days"
