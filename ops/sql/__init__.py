"""`loyalty sql`: the models of `sql/` checked, tested, planned, run and shown."""
