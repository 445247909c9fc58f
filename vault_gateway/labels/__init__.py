"""Labels of parcels: drawn from rows and masks, for any printer, without opening a single value."""
