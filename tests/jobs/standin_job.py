"""`python -m tests.jobs.standin_job OPTIONS`: `loyalty run` with the stand-in domain; OPTIONS is a JSON object."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from jobs.config import DecisionsConfig, Delivery
from jobs.decisions_topology import build
from ops.errors import Refusal
from ops.jobs.run import RunOptions, run
from tests.jobs.standin import StandInDesk, StandInIntake


def add_standin(environment: Any, config: DecisionsConfig) -> None:
    build(environment, config, StandInIntake(config.watermark_lag_ms), StandInDesk())


def main() -> None:
    given = json.loads(sys.argv[1])
    given["state"] = Path(given["state"])
    given["delivery"] = Delivery(given.get("delivery", "at-least-once"))
    try:
        run(RunOptions(**given), add_standin)
    except Refusal as refusal:
        print(refusal.message, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
