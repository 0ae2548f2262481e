"""The Java that everything here runs on: its runtime, its archives, and what makes it start sooner."""
