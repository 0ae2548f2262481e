"""A Kafka cluster: how clients are made, topics read and sent to, and a broker on this machine."""
