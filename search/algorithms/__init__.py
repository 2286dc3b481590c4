"""How the next program is proposed: evolution, its comparators, and the mutations they share."""
