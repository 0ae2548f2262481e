"""What an account keeps, and how it is written down."""
