"""What Flink is told for a job."""

from __future__ import annotations

from jobs.config import DecisionsConfig
from jobs.runtime.environment import settings
from jobs.runtime.names import JOB


def test_a_job_that_fails_again_and_again_gives_up() -> None:
    options = settings(JOB, DecisionsConfig(bootstrap="nowhere:1", restart_attempts=3, restart_within_ms=60_000))
    restarts = {name.rsplit(".", 1)[1]: value for name, value in options.items() if name.startswith("restart-strategy")}
    assert restarts["attempts-before-reset-backoff"] == "3"
    assert restarts["reset-backoff-threshold"] == "60000 ms"
