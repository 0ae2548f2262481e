"""The Flink jobs: entry points that can be submitted, thin operators, and the names that never change."""
