"""What explains a decision: its rules and thresholds, the lots it moved, what led to it, what would change it."""
