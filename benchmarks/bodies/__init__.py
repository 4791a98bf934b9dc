"""Bodies of 6 MB that mean harm, each sent to a process of its own: what memory and time they take at the most."""
