"""Whether a group has been anywhere, asked of a broker that may not know yet who looks after the group."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from jobs.config import DecisionsConfig
from jobs.kinds import DECISIONS_KIND
from ops.errors import Refusal
from ops.jobs import group_history


class Group:
    """Stands for a consumer: it fails with each of the errors, then has committed `offset`."""

    def __init__(self, offset: int, *errors: int) -> None:
        self._offset = offset
        self._errors = list(errors)

    def committed(self, places: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        if self._errors:
            raise KafkaException(KafkaError(self._errors.pop(0)))
        return [TopicPartition(place.topic, place.partition, self._offset) for place in places]

    def close(self) -> None:
        pass


def has_state(monkeypatch: pytest.MonkeyPatch, group: Group) -> bool:
    monkeypatch.setattr(group_history, "consumer", lambda *_: group)
    monkeypatch.setattr(group_history, "partitions_of", lambda *_: [("loyalty.transactions", 0)])
    monkeypatch.setattr(group_history, "ASK_AGAIN_S", 0)
    config: Any = DecisionsConfig(bootstrap="127.0.0.1:1")
    return group_history.has_state(DECISIONS_KIND, config)


def test_a_group_is_asked_about_again_while_its_coordinator_is_being_found(monkeypatch: pytest.MonkeyPatch) -> None:
    errors = (KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError.COORDINATOR_NOT_AVAILABLE)
    assert has_state(monkeypatch, Group(7, *errors))
    assert not has_state(monkeypatch, Group(-1001, *errors))


def test_another_failure_is_a_refusal_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refusal, match="does not say how far the group"):
        has_state(monkeypatch, Group(7, KafkaError.GROUP_AUTHORIZATION_FAILED))
