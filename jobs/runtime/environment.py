"""Flink's settings for a job. Nothing here runs when it is imported."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pyflink.common import Configuration
from pyflink.datastream import StreamExecutionEnvironment

from jobs.config import JobConfig
from jobs.profiles import KNOBS
from jobs.runtime.names import MAX_PARALLELISM
from jobs.runtime.release import RELEASE

WATERMARK_INTERVAL_MS = 50
CHECKPOINT_BUFFER_BYTES = 1024 * 1024
"""What a checkpoint gathers before it writes. With Flink's 4 KiB a checkpoint of hundreds of megabytes is as many small
writes, on the cores that decide meanwhile."""


def settings(job: str, config: JobConfig) -> dict[str, str]:
    """Flink's options for the job of this name, by theirs."""
    knobs = KNOBS[config.profile]
    options = {
        "pipeline.name": job,
        # Flink's REST interface shows it: who submits another job of this group finds this one by it.
        "pipeline.global-job-parameters": json.dumps({"group": config.group, "release": RELEASE.stamp}),
        "pipeline.max-parallelism": str(MAX_PARALLELISM),
        "pipeline.auto-watermark-interval": f"{WATERMARK_INTERVAL_MS} ms",
        # A name that nobody gave is refused: state could not be found again by it.
        "pipeline.auto-generate-uids": "false",
        "table.exec.uid.generation": "DISABLED",
        # No operator changes what it was given, so there is no need of copies between those of one thread.
        "pipeline.object-reuse": "true",
        "execution.buffer-timeout.interval": f"{knobs.buffer_timeout_ms} ms",
        "table.local-time-zone": "UTC",
        "state.backend.type": "hashmap",
        "execution.checkpointing.interval": f"{config.checkpoint_interval_ms} ms",
        "execution.checkpointing.write-buffer-size": str(CHECKPOINT_BUFFER_BYTES),
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.initial-backoff": "500 ms",
        "restart-strategy.exponential-delay.max-backoff": "30 s",
        # A failure that comes again each time must not keep a job busy for ever, with nothing decided and nobody told.
        "restart-strategy.exponential-delay.attempts-before-reset-backoff": str(config.restart_attempts),
        "restart-strategy.exponential-delay.reset-backoff-threshold": f"{config.restart_within_ms} ms",
        "python.execution-mode": "thread",
        "python.fn-execution.bundle.size": str(knobs.gather_elements),
        # Flink's default of a second would be the time to a decision.
        "python.fn-execution.bundle.time": str(knobs.gather_ms),
    }
    if config.checkpoint_dir is not None:
        options["execution.checkpointing.dir"] = config.checkpoint_dir
    if config.restore_from is not None:
        options["execution.state-recovery.path"] = config.restore_from
    return options


def create_environment(
    job: str, config: JobConfig, more: Mapping[str, str] | None = None
) -> StreamExecutionEnvironment:
    """An environment with these settings, and `more` of Flink's options for where it runs."""
    configuration = Configuration()
    for name, value in {**settings(job, config), **(more or {})}.items():
        configuration.set_string(name, value)
    environment = StreamExecutionEnvironment.get_execution_environment(configuration)
    # Sources, intake and what SQL makes of them run once; what decides, and writes decisions, says so itself.
    environment.set_parallelism(1)
    return environment
