"""The tools around the jobs: the `loyalty` command and what it is made of."""
