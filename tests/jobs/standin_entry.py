"""The entry point that a cluster is given: `jobs/decisions.py` with the stand-in domain."""

from __future__ import annotations

from jobs.decisions import main
from tests.jobs.standin_job import add_standin

if __name__ == "__main__":
    main(add_job=add_standin)
