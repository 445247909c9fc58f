"""The access log: written in the transaction of what it tells of, read by auditors."""
