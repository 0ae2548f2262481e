"""The decision job, to be submitted: `flink run -py jobs/decisions.py --bootstrap HOST:PORT [...]`.

`loyalty submit decisions` does that with all that the job needs; `loyalty run decisions` runs the same job without a
cluster.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from pyflink.datastream import StreamExecutionEnvironment

from jobs.config import DecisionsConfig, Delivery, Mode
from jobs.environment import create_environment
from jobs.held_at_start import last_readable
from jobs.names import JOB
from jobs.topics import INPUTS
from jobs.topology import build

AddJob = Callable[[StreamExecutionEnvironment, DecisionsConfig], None]
"""Adds a job to an environment: the one below, or what a test puts in its place."""


def add_decisions(environment: StreamExecutionEnvironment, config: DecisionsConfig) -> None:
    """The decision job with the loyalty domain in it."""
    from jobs.wiring import LoyaltyDesk, LoyaltyIntake

    build(environment, config, LoyaltyIntake(config.watermark_lag_ms), LoyaltyDesk())


def read_config(arguments: Sequence[str] | None = None) -> DecisionsConfig:
    """The settings from a command line; what it leaves out has the default of `DecisionsConfig`."""
    parser = argparse.ArgumentParser(prog="decisions", description="Decide loyalty transactions.")
    parser.add_argument("--bootstrap", required=True, help="Kafka, as HOST:PORT")
    parser.add_argument("--parallelism", type=int, help="instances of decide-for-account")
    parser.add_argument("--delivery", choices=[delivery.value for delivery in Delivery])
    parser.add_argument("--mode", choices=[mode.value for mode in Mode])
    parser.add_argument("--watermark-lag-ms", type=int)
    parser.add_argument("--checkpoint-interval-ms", type=int)
    parser.add_argument("--checkpoint-dir", help="a URI that the cluster can write to")
    parser.add_argument("--group", help="the Kafka group, and the prefix of transactional ids: one a job")
    given = {name: value for name, value in vars(parser.parse_args(arguments)).items() if value is not None}
    return DecisionsConfig.model_validate(given)


def main(arguments: Sequence[str] | None = None, add_job: AddJob = add_decisions) -> None:
    """Submit the job: to a cluster under `flink run`, else to a mini-cluster in this process."""
    config = read_config(arguments)
    config = config.model_copy(update={"last_at_start": last_readable(config.bootstrap, INPUTS)})
    environment = create_environment(config)
    add_job(environment, config)
    environment.execute(JOB)


if __name__ == "__main__":
    main()
