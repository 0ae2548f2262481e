"""Asking a Kafka cluster on a person's behalf: what is not there is refused in one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from confluent_kafka.admin import AdminClient, ClusterMetadata

from jobs.runtime import kafka_clients
from jobs.runtime.kafka_clients import ANSWER_WITHIN_S, NotThere, Place
from ops.errors import Refusal


@contextmanager
def refusing() -> Iterator[None]:
    """What is not there is refused. Raises Refusal."""
    try:
        yield
    except NotThere as problem:
        raise Refusal(str(problem)) from problem


def open_admin(bootstrap: str, within_s: float = ANSWER_WITHIN_S) -> AdminClient:
    """A client of the cluster at `bootstrap` (`host:port[,host:port…]`) that has answered once.

    Raises:
        Refusal: nobody answered within `within_s` seconds.
    """
    admin = kafka_clients.admin_client(bootstrap)
    metadata(admin, bootstrap, within_s)
    return admin


def metadata(admin: AdminClient, bootstrap: str, within_s: float = ANSWER_WITHIN_S) -> ClusterMetadata:
    """The brokers and topics as the cluster at `bootstrap` describes them now.

    Raises:
        Refusal: nobody answered within `within_s` seconds.
    """
    with refusing():
        return kafka_clients.metadata(admin, bootstrap, within_s)


def partitions_of(bootstrap: str, topics: Iterable[str]) -> list[Place]:
    """Every partition of `topics`, which shows that they are there.

    Raises:
        Refusal: a topic does not exist, or nobody answers.
    """
    with refusing():
        return kafka_clients.partitions_of(bootstrap, topics)


def cluster_id(bootstrap: str) -> str:
    """The id that the Kafka cluster has given itself, which shows that it answers.

    Raises:
        Refusal: nobody answers.
    """
    with refusing():
        return kafka_clients.cluster_id(bootstrap)
