"""Rows a second of bulk workers, from S3 to S3, against what a person would write."""
