"""What runs any operator of ours in Flink: crossing in batches, subprocesses, names and uids, state entries, streams,
tables, virtual time. It knows the domain's records and state entries, and none of its rules."""
