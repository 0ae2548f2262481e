"""Flink's settings that belong to the meaning of a model: the same when it is checked, tested and run."""

SETTINGS = {
    "parallelism.default": "1",
    "table.local-time-zone": "UTC",
    "python.execution-mode": "thread",
    # An update whose key or whose earlier row cannot be found again is refused, where Flink would let it pass.
    "table.optimizer.non-deterministic-update.strategy": "TRY_RESOLVE",
    # A row without a part of its key cannot be written. It is left out, where Flink would stop every model of the job.
    # No model makes one (`loyalty sql check`), and what models leave out the audit `nothing_is_left_out` finds.
    "table.exec.sink.not-null-enforcer": "DROP",
    # Aggregates that change tell of it once a second, not with each row: while a topic is read from its beginning,
    # every decision of an early day would otherwise write all days behind it again.
    "table.exec.mini-batch.enabled": "true",
    "table.exec.mini-batch.allow-latency": "1 s",
    "table.exec.mini-batch.size": "20000",
}
"""What a model may count on, wherever it runs."""
