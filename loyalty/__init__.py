"""The domain: pure Python, deterministic, without Flink, Kafka or a clock."""
