"""The model file: its card, its seal, on disk, on S3, and before the service."""
