"""Decisions as they stand on their topic: watched, and how long they took."""
