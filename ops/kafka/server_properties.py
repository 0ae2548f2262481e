"""The settings of the local broker, written anew at every start."""

from ops.ports import HOST

# A record of the input topics may have 2 MiB; its dead letter carries it in base64, a third more, plus the envelope.
MAX_MESSAGE_BYTES = 4 * 1024 * 1024

SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.listener.names": "CONTROLLER",
    "log.dirs": "data",
    # A misspelt topic name is an error here, not a new topic.
    "auto.create.topics.enable": "false",
    "message.max.bytes": MAX_MESSAGE_BYTES,
    # Exactly-once sinks ask for a timeout that outlasts an outage.
    "transaction.max.timeout.ms": 3_600_000,
    # One node: its internal topics have one replica, and few partitions, since each costs time at every start.
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "share.coordinator.state.topic.num.partitions": 1,
    "group.initial.rebalance.delay.ms": 0,
    "broker.heartbeat.interval.ms": 1_000,
    # The cleaner takes this from the heap at once; the default is a quarter of ours.
    "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
}

# A broker that the controller has not heard for so long serves nothing any more. Nobody could take its place here, so a
# machine that is too busy must not bring that about (Kafka's default is 9 s). After a crash the controller lets the
# broker back in when its old session has ended, which should not take that long.
_SESSION_MS = 120_000
_SESSION_AFTER_CRASH_MS = 4_000


def server_properties(port: int, controller_port: int, *, after_crash: bool) -> str:
    """The file `server.properties` of a broker that listens at `port`.

    `after_crash`: the broker that ran here before was not stopped in order.
    """
    settings = {
        **SETTINGS,
        "broker.session.timeout.ms": _SESSION_AFTER_CRASH_MS if after_crash else _SESSION_MS,
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "controller.quorum.voters": f"1@{HOST}:{controller_port}",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())
