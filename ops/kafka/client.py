"""Talking to a Kafka cluster as an operator."""

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ClusterMetadata

from ops.errors import Refusal

ANSWER_WITHIN_S = 6.0


def open_admin(bootstrap: str, within_s: float = ANSWER_WITHIN_S) -> AdminClient:
    """A client of the cluster at `bootstrap` (`host:port[,host:port…]`) that has answered once.

    Raises:
        Refusal: nobody answered within `within_s` seconds.
    """
    # librdkafka prints every failed attempt; the one sentence of the refusal is what a person needs.
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0, "socket.timeout.ms": 10_000})
    metadata(admin, bootstrap, within_s)
    return admin


def metadata(admin: AdminClient, bootstrap: str, within_s: float = ANSWER_WITHIN_S) -> ClusterMetadata:
    """The brokers and topics as the cluster at `bootstrap` describes them now.

    Raises:
        Refusal: nobody answered within `within_s` seconds.
    """
    try:
        return admin.list_topics(timeout=within_s)
    except KafkaException as problem:
        raise Refusal(f"No Kafka broker answered at {bootstrap} within {within_s:.0f} s.") from problem
