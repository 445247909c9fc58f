"""Routing codes (三段码): what a carrier sorts by instead of the address."""
