"""The real engines as child processes, with all their data in one folder."""
