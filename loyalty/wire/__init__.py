"""What travels on Kafka: the contract's events, programme documents, decisions and dead letters as pydantic models."""
