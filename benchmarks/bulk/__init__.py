"""How many rows a second the service scores in one call, by dialect, and how much memory it takes for that."""
