"""Benchmarks on the embedded engines. Each prints what it measures beside its floor, taken in the same run."""
