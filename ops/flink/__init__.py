"""Flink on this machine: its processes, its gateway to Python, its clusters, and its REST interface."""
