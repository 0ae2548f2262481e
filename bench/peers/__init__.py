"""Peers: the same running balance, each contender as its own documentation would have it.

Every one takes two words, the broker's address and the output topic, reads `loyalty.transactions` from its beginning,
and writes `{"account", "balance", "sequence"}` for each purchase, until it is stopped.
"""
