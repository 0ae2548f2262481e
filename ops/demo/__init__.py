"""`loyalty demo`: the whole loop on this machine, with a story to follow."""
