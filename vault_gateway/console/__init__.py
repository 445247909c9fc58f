"""Pages for people, rendered here and without a script: what became of their data."""
