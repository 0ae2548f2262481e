"""The topics that the jobs read and write (contract §1)."""

TRANSACTIONS = "loyalty.transactions"
PROGRAM = "loyalty.program"
MEMBERS = "loyalty.members"
FRAUD_SIGNALS = "loyalty.fraud-signals"
ENGAGEMENT_CONTEXT = "loyalty.engagement-context"
ENGAGEMENTS = "loyalty.engagements"
DECISIONS = "loyalty.decisions"
DEAD_LETTERS = "loyalty.dead-letters"

REFERENCE = (PROGRAM, MEMBERS, FRAUD_SIGNALS, ENGAGEMENT_CONTEXT, DECISIONS)
"""Of the decisions, the decision job takes the offers that were made."""
INPUTS = (TRANSACTIONS, *REFERENCE)

OFFERS_REFERENCE = (PROGRAM, MEMBERS, DECISIONS)
OFFERS_INPUTS = (ENGAGEMENTS, *OFFERS_REFERENCE)
