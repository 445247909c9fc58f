"""Break-glass: in an emergency two responders open one recipient's data together, sealed to the one who asked."""
