"""One-time reveals: the only way from a token back to a value."""
