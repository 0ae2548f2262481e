"""The SQL model that the fraud gate reads, as a job of its own, to be submitted:
`flink run -py jobs/engagement_context.py --bootstrap HOST:PORT [...]`.

`loyalty submit context` does that with all that the job needs; `loyalty run all` runs the same job without a cluster.
"""

from __future__ import annotations

from jobs.kinds import CONTEXT_KIND
from jobs.sql_models import submit_models
from sql.project import CONTEXT

if __name__ == "__main__":
    submit_models(CONTEXT_KIND, [CONTEXT])
