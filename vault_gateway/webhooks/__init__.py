"""Signed parcel events to merchants and platforms: who wants them, what waits to be sent, and the sending."""
