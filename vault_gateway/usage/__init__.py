"""Sheets and fees: how many waybills were issued on which network, and who owes what for them."""
