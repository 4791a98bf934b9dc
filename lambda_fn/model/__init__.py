"""Bytes become a checked session and card, rows become scores. Knows nothing of HTTP and of dialects."""
