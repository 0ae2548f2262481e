"""`python -m tests.jobs.standin_job OPTIONS`: `loyalty run` with the stand-in domain; OPTIONS is a JSON object."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from jobs.config import DecisionsConfig
from jobs.decisions_topology import build
from jobs.kinds import DECISIONS_KIND
from ops.errors import Refusal
from ops.jobs.run import Until, run
from tests.jobs.standin import standin_domain


def add_standin(environment: Any, config: DecisionsConfig) -> None:
    build(environment, config, standin_domain(config.watermark_lag_ms))


def main() -> None:
    given = json.loads(sys.argv[1])
    until = Until(Path(given.pop("state")), given.pop("until_end", False), given.pop("fresh", False))
    try:
        run(DECISIONS_KIND, DecisionsConfig.model_validate(given), until, add_standin)
    except Refusal as refusal:
        print(refusal.message, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
