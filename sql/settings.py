"""Flink's settings that belong to the meaning of a model: the same when it is checked, tested and run."""

SETTINGS = {
    "parallelism.default": "1",
    "table.local-time-zone": "UTC",
    "python.execution-mode": "thread",
    # An update whose key or whose earlier row cannot be found again is refused, where Flink would let it pass.
    "table.optimizer.non-deterministic-update.strategy": "TRY_RESOLVE",
}
"""What a model may count on, wherever it runs."""
