"""The oracle: the business contract a second time, plainly, sharing no code with `loyalty/`."""
