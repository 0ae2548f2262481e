"""`loyalty verify` and `loyalty anchor`: the proof that decisions on their topic are what was decided."""
