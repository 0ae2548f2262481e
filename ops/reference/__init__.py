"""The pages of `docs/` that are made from the code: `python -m ops.reference` writes them.

A page is a function that gives its text, in a module named after what it is about. `tests/docs` says that what is
published is what the code would write now.
"""
