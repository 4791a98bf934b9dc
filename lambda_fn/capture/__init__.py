"""A share of what was scored, kept for later: rows and answers, as lines of JSON on S3."""
