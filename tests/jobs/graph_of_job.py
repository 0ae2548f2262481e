"""`python -m tests.jobs.graph_of_job JOB`: the operators of a job as Flink would run them, as JSON lines."""

from __future__ import annotations

import json
import sys
from typing import Any

from jobs.config import DecisionsConfig, Delivery, OffersConfig
from jobs.offers_topology import build
from jobs.runtime.environment import create_environment
from jobs.runtime.names import JOB, OFFERS_JOB
from tests.jobs.standin_job import add_standin
from tests.jobs.standin_offers import standin_offers_domain
from tests.jobs.throwaway_flink import throwaway_flink


def main() -> None:
    with throwaway_flink():
        given: dict[str, Any] = {"bootstrap": "nowhere:1", "parallelism": 3}
        if sys.argv[1] == "offers":
            offers = OffersConfig(**given)
            environment = create_environment(OFFERS_JOB, offers)
            build(environment, offers, standin_offers_domain())
        else:
            config = DecisionsConfig(**given, delivery=Delivery.EXACTLY_ONCE)
            environment = create_environment(JOB, config)
            add_standin(environment, config)
        graph = environment._generate_stream_graph()
        for node in graph.getStreamNodes().toArray():
            known = {
                "uid": node.getTransformationUID(),
                "name": node.getOperatorName().removeprefix("Source: "),
                "parallelism": node.getParallelism(),
                "max_parallelism": node.getMaxParallelism(),
            }
            print(json.dumps(known))


if __name__ == "__main__":
    main()
