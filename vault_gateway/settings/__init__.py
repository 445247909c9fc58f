"""What an operator sets: read once, frozen, refused at start when missing or unsafe."""
