"""What has to be known before a job is submitted: whether its group runs already, and whether it has been anywhere.

Two jobs of one group would decide everything twice, and a job that starts over where the group has been decides again
what is published, on the facts of now.
"""

from __future__ import annotations

import time

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from jobs.config import JobConfig
from jobs.kinds import JobKind
from jobs.runtime.kafka_clients import consumer
from ops.errors import Refusal
from ops.flink.rest import FlinkRest
from ops.kafka.client import partitions_of

ANSWER_WITHIN_S = 40.0
"""A broker that has never been asked about a group makes the topic for them first."""
ASK_AGAIN_S = 0.5
LOOKING_FOR_ITS_COORDINATOR = {
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
}
"""What a broker says of a group while that topic is new, or moves: it passes."""
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


def has_state(kind: JobKind, config: JobConfig) -> bool:
    """Whether a job of the group has made a checkpoint, on whatever cluster: then it has committed offsets.

    Raises Refusal.
    """
    places = [TopicPartition(*place) for place in partitions_of(config.bootstrap, kind.inputs)]
    asks = consumer(config.bootstrap, config.group)
    until = time.monotonic() + ANSWER_WITHIN_S
    try:
        while True:
            try:
                return any(place.offset >= 0 for place in asks.committed(places, timeout=ANSWER_WITHIN_S))
            except KafkaException as problem:
                if problem.args[0].code() not in LOOKING_FOR_ITS_COORDINATOR or time.monotonic() > until:
                    raise Refusal(
                        f"{config.bootstrap} does not say how far the group {config.group} is: {problem}."
                    ) from problem
                time.sleep(ASK_AGAIN_S)
    finally:
        asks.close()
