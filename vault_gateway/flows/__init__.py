"""Flows: how many parcels go from where to where, counted exactly and shown in whole tens."""
