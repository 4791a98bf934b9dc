"""Which models are loaded, and when they are replaced. Knows models and where their bytes are, nothing of HTTP."""
