"""Changes the rules one place at a time, and sees whether the fastest tests notice each change."""
