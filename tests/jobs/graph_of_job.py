"""`python -m tests.jobs.graph_of_job MODE`: the operators of the job as Flink would run them, as JSON lines."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from jobs.config import DecisionsConfig, Delivery, Mode
from jobs.environment import create_environment
from ops.artifacts import flink_connector_jar
from ops.flink import settings_of_processes
from tests.jobs.standin_job import add_standin


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ.update(settings_of_processes(folder, folder / "log" / "flink.log"))
        config = DecisionsConfig(
            bootstrap="nowhere:1", parallelism=3, mode=Mode(sys.argv[1]), delivery=Delivery.EXACTLY_ONCE
        )
        environment = create_environment(config, {"pipeline.jars": flink_connector_jar().as_uri()})
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
