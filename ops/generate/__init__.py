"""Synthetic traffic: households that buy, bring back, redeem, and now and then do what they should not.

`traffic.records` is a pure function of its settings: the same seed gives the same bytes, on every Python.
"""
