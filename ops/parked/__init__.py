"""Accounts and members that are parked: the domain failed at a record of theirs, and what comes for them waits."""
