"""The decision job, to be submitted: `flink run -py jobs/decisions.py --bootstrap HOST:PORT [...]`.

`loyalty submit decisions` does that with all that the job needs; `loyalty run decisions` runs the same job without a
cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from pyflink.datastream import StreamExecutionEnvironment

from jobs.command import AddJob, submit
from jobs.config import DecisionsConfig
from jobs.decisions_topology import DecisionsDomain, build
from jobs.kinds import DECISIONS_KIND
from loyalty.decider import Decider
from loyalty.state.core import CORE_ENTRY
from loyalty.validation import Validator


def add_decisions(environment: StreamExecutionEnvironment, config: DecisionsConfig) -> None:
    """The decision job with the loyalty domain in it."""
    build(environment, config, DecisionsDomain(partial(Validator, config.watermark_lag_ms), Decider(), (CORE_ENTRY,)))


def main(arguments: Sequence[str] | None = None, add_job: AddJob = add_decisions) -> None:
    """Submit the job: to a cluster under `flink run`, else to a mini-cluster in this process."""
    submit(DECISIONS_KIND, add_job, arguments)


if __name__ == "__main__":
    main()
