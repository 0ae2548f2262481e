"""Making a cluster agree with the catalogue's topics.

`plan` looks and says what would have to be done; `carry_out` does it. Nothing is ever deleted, and what would break the
order of an account's records is refused before anything is changed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

from ops.errors import Exit, Refusal
from ops.kafka.client import metadata, open_admin
from ops.kafka.reading import reading, spans_of
from ops.topics.catalogue import Topic

DONE_WITHIN_S = 30.0


@dataclass(frozen=True)
class Step:
    """What one topic needs: all of it, some settings, more partitions, or nothing."""

    topic: Topic
    create: bool = False
    settings: dict[str, tuple[str, str]] = field(default_factory=dict)  # name → (as it is, as it shall be)
    partitions: tuple[int, int] | None = None  # (as it is, as it shall be)

    @property
    def kind(self) -> Literal["created", "changed", "unchanged"]:
        if self.create:
            return "created"
        return "changed" if self.settings or self.partitions else "unchanged"

    def as_json(self) -> dict[str, Any]:
        """What it needs, for a program."""
        return {
            "topic": self.topic.name,
            "change": self.kind,
            "settings": {name: {"from": old, "to": new} for name, (old, new) in self.settings.items()},
            "partitions": dict(zip(("from", "to"), self.partitions, strict=True)) if self.partitions else None,
        }

    def __str__(self) -> str:
        changes = [f"{name} {old} → {new}" for name, (old, new) in self.settings.items()]
        if self.partitions:
            changes.insert(0, f"partitions {self.partitions[0]} → {self.partitions[1]}")
        detail = self.topic.summary if self.create else ", ".join(changes)
        return f"{self.topic.name}: {self.kind}" + (f" ({detail})" if detail else "")


def apply(bootstrap: str, topics: Sequence[Topic]) -> list[Step]:
    """Makes the cluster at `bootstrap` agree with `topics` and gives what that took, a step for each.

    Raises:
        Refusal: nobody answers, or the catalogue asks for what cannot be done without harm; nothing is changed then.
    """
    admin = open_admin(bootstrap)
    steps = plan(admin, bootstrap, topics)
    carry_out(admin, bootstrap, steps)
    return steps


def plan(admin: AdminClient, bootstrap: str, topics: Sequence[Topic]) -> list[Step]:
    """What it would take; changes nothing.

    Raises:
        Refusal: a topic would have to lose partitions, or to gain some while it holds records whose order matters.
    """
    known = metadata(admin, bootstrap).topics
    existing = [topic for topic in topics if topic.name in known]
    settings = _settings(admin, [topic.name for topic in existing])
    steps = []
    for topic in topics:
        if topic.name not in known:
            steps.append(Step(topic, create=True))
            continue
        has = len(known[topic.name].partitions)
        if has != topic.partitions:
            _refuse_harm(topic, has, bootstrap)
        now = settings[topic.name]
        steps.append(
            Step(
                topic,
                settings={name: (now[name], wanted) for name, wanted in topic.config.items() if now[name] != wanted},
                partitions=(has, topic.partitions) if has != topic.partitions else None,
            )
        )
    return steps


def carry_out(admin: AdminClient, bootstrap: str, steps: Sequence[Step]) -> None:
    """Does what was planned and returns when every topic can be written to.

    Raises:
        Refusal: the cluster refused a step; those before it have been done.
    """
    create = [step.topic for step in steps if step.create]
    if create:
        # −1 leaves the number of copies to the cluster: one here, three where there are three brokers.
        fresh = [NewTopic(t.name, num_partitions=t.partitions, replication_factor=-1, config=t.config) for t in create]
        _await(admin.create_topics(fresh), "create the topic")
    if grow := [NewPartitions(s.topic.name, s.partitions[1]) for s in steps if s.partitions]:
        _await(admin.create_partitions(grow), "add partitions to")
    if alter := [_alteration(step) for step in steps if step.settings]:
        changed = admin.incremental_alter_configs(alter)
        _await({resource.name: done for resource, done in changed.items()}, "change the settings of")
    _wait_for_leaders(admin, bootstrap, [step.topic for step in steps])


def _alteration(step: Step) -> ConfigResource:
    entries = [
        ConfigEntry(name, new, incremental_operation=AlterConfigOpType.SET) for name, (_, new) in step.settings.items()
    ]
    return ConfigResource(ResourceType.TOPIC, step.topic.name, incremental_configs=entries)


def _settings(admin: AdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    asked = admin.describe_configs([ConfigResource(ResourceType.TOPIC, name) for name in names])
    found = _await({resource.name: answer for resource, answer in asked.items()}, "read the settings of")
    return {topic: {name: entry.value for name, entry in entries.items()} for topic, entries in found.items()}


def _refuse_harm(topic: Topic, has: int, bootstrap: str) -> None:
    if has > topic.partitions:
        raise Refusal(
            f"{topic.name} has {has} partitions and the catalogue says {topic.partitions}: "
            "Kafka cannot take partitions away; nothing was changed."
        )
    if topic.ordering != "none" and _holds_records(topic.name, has, bootstrap):
        raise Refusal(
            f"{topic.name} has {has} partitions and the catalogue says {topic.partitions}: it holds records, and more "
            f"partitions would send later records of a key elsewhere and break its order ({topic.ordering}); "
            "nothing was changed."
        )


def _holds_records(topic: str, partitions: int, bootstrap: str) -> bool:
    with reading(bootstrap) as reader:  # which reads nothing: only a consumer can ask for offsets here
        spans = spans_of(reader, [(topic, partition) for partition in range(partitions)])
        return any(span.end > span.start for span in spans.values())


def _await(answers: dict[str, Future[Any]], verb: str) -> dict[str, Any]:
    results = {}
    for name, answer in answers.items():
        try:
            results[name] = answer.result(timeout=DONE_WITHIN_S)
        except (KafkaException, TimeoutError) as problem:
            reason = problem.args[0].str() if isinstance(problem, KafkaException) else "no answer came"
            raise Refusal(f"The cluster did not {verb} {name}: {reason}.", Exit.FAILED) from problem
    return results


def _wait_for_leaders(admin: AdminClient, bootstrap: str, topics: Sequence[Topic]) -> None:
    deadline = time.monotonic() + DONE_WITHIN_S
    while time.monotonic() < deadline:
        known = metadata(admin, bootstrap).topics
        ready = [
            topic.name in known
            and len(known[topic.name].partitions) >= topic.partitions
            and all(partition.leader >= 0 for partition in known[topic.name].partitions.values())
            for topic in topics
        ]
        if all(ready):
            return
        time.sleep(0.05)
    raise Refusal(
        f"The topics were made, but not every partition has a leader after {DONE_WITHIN_S:.0f} s.", Exit.FAILED
    )
