"""A carrier's couriers: handles, stations, and phones that are tokens from the first moment."""
