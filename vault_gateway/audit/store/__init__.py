"""SQL of the audit room, in a file for each of its two sides."""
