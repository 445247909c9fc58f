"""Calling addresses that somebody outside named: an issuer's keys, a merchant's webhook."""
