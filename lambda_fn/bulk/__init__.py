"""Bulk scoring: a table on S3 is planned as chunks, each is scored by a call of its own, a summary counts."""
