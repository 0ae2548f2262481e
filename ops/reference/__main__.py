"""`python -m ops.reference`: writes the pages of `docs/reference/` that are made from the code."""

from ops.reference.pages import write

write()
