"""A privacy vault for parcel delivery: tokens instead of names, phones and addresses."""

__version__ = "0.1.0"
