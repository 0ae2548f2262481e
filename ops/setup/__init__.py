"""What `make setup` runs."""
