"""What has to be known before a job is submitted: whether its group runs already, and whether it has been anywhere.

Two jobs of one group would decide everything twice, and a job that starts over where the group has been decides again
what is published, on the facts of now.
"""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition

from jobs.config import JobConfig
from jobs.kinds import JobKind
from jobs.runtime.kafka_clients import admin_client
from ops.errors import Exit, Refusal
from ops.flink.rest import FlinkRest

ANSWER_WITHIN_S = 40.0
"""A broker that has never been asked about a group makes the topic for them first."""
ENDED = {"FAILED", "CANCELED", "FINISHED"}


def running(rest: FlinkRest, kind: JobKind, config: JobConfig) -> str | None:
    """The id of a job of this group that runs on the cluster; one of a release that did not say its group counts too.

    Raises FlinkUnreachable.
    """
    for job in rest.get("/jobs/overview")["jobs"]:
        if job["state"] in ENDED or job["name"] != kind.names.job:
            continue
        said = rest.get(f"/jobs/{job['jid']}/config").get("execution-config", {}).get("user-config", {})
        if said.get("group", config.group) == config.group:
            return str(job["jid"])
    return None


def has_state(config: JobConfig) -> bool:
    """Whether a job of the group has been submitted before, on whatever cluster: it has committed offsets.

    Raises Refusal.
    """
    admin = admin_client(config.bootstrap)
    try:
        asked: dict[str, Future[Any]] = admin.list_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(config.group)], request_timeout=ANSWER_WITHIN_S
        )
        found = asked[config.group].result(ANSWER_WITHIN_S + 5)
    except (KafkaException, TimeoutError) as problem:
        raise Refusal(f"{config.bootstrap} does not say how far the group {config.group} is: {problem}.") from problem
    return any(place.offset >= 0 for place in found.topic_partitions)


def mark(kind: JobKind, config: JobConfig) -> None:
    """Notes that a job of the group has been submitted, where nothing says so yet: Flink commits offsets behind its
    first checkpoint, and does not begin at committed ones. Raises Refusal."""
    if has_state(config):
        return
    admin = admin_client(config.bootstrap)  # its answer comes for as long as it lives
    begins = ConsumerGroupTopicPartitions(config.group, [TopicPartition(kind.inputs[0], 0, 0)])
    try:
        asked = admin.alter_consumer_group_offsets([begins], request_timeout=ANSWER_WITHIN_S)
        asked[config.group].result(ANSWER_WITHIN_S + 5)
    except (KafkaException, TimeoutError) as problem:
        raise Refusal(
            f"The job runs, but {config.bootstrap} does not take the mark of its group {config.group}: {problem}.",
            Exit.FAILED,
        ) from problem
