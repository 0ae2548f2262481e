"""What analytics engineers edit, and the one place where it meets a Kafka cluster."""
