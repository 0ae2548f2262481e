"""The rules of the contract, one file a rule: facts, decide, apply."""
