"""Whole CSV files: their columns as values, the result as a file that a killed run continues."""
