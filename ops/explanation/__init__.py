"""`loyalty explain`: an index of decisions that is kept up to date, and the answers from it."""
