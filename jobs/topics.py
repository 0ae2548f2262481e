"""The topics that the decision job reads (contract §1)."""

TRANSACTIONS = "loyalty.transactions"
PROGRAM = "loyalty.program"
MEMBERS = "loyalty.members"
FRAUD_SIGNALS = "loyalty.fraud-signals"
ENGAGEMENT_CONTEXT = "loyalty.engagement-context"

REFERENCE = (PROGRAM, MEMBERS, FRAUD_SIGNALS, ENGAGEMENT_CONTEXT)
INPUTS = (TRANSACTIONS, *REFERENCE)
