"""Electronic waybills: numbers, states, and masked views of who gets the parcel."""
