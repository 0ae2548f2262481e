"""What tests share: one real Kafka broker for the whole run."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ops.kafka.broker import LocalKafka
from ops.topics.catalogue import read_catalogue
from ops.topics.plan import apply
from tests.kafka_records import create_topic, delete_topics


@pytest.fixture(scope="session")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a broker that is there for the whole run. Tests keep apart by topics: see the two below."""
    with LocalKafka(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker.bootstrap


@pytest.fixture
def new_topic(bootstrap: str) -> Callable[..., str]:
    """Makes a topic that no other test has: `new_topic(partitions=4, **{"cleanup.policy": "compact"})` is its name."""

    def make(partitions: int = 1, **config: str) -> str:
        return create_topic(bootstrap, f"test-{uuid.uuid4().hex[:12]}", partitions, config)

    return make


@pytest.fixture
def loyalty_topics(bootstrap: str) -> str:
    """The contract's topics, made afresh and empty; the value is the broker's address.

    The names are fixed, so no two tests of one process use them at once; pytest-xdist's workers have a broker each.
    """
    topics = read_catalogue()
    delete_topics(bootstrap, [topic.name for topic in topics])
    apply(bootstrap, topics)
    return bootstrap


@pytest.fixture
def kafka_dir(tmp_path: Path) -> Iterator[Path]:
    """A folder for a broker of the test's own, which is stopped after it in any case."""
    from ops.kafka import broker as kafka

    folder = tmp_path / "kafka"
    yield folder
    kafka.stop(folder)
