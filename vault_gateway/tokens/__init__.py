"""Phones, addresses and names, swapped for tokens."""
