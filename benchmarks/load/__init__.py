"""Many calls to several environments while models change and S3 fails: whether each is answered, and rightly."""
