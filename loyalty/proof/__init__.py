"""The proof that published decisions are what was decided: each is decided again, none was changed, lost or moved."""
