"""The jobs from outside: run on this machine, or submitted to a cluster."""
