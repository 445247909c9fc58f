"""Relay numbers: people call and write to each other without learning each other's number."""
