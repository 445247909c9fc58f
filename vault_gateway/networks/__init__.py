"""Waybill networks and their numbers: whose a number is, where it may be used, and issuing it from segments."""
