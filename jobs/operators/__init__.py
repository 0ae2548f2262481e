"""The operators: each loads state, asks the domain, keeps what it became."""
