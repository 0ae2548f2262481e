"""Offers: which campaigns an engagement may trigger, and what becomes of them."""
