"""URI to bytes and version: where models and objects are kept. Knows bytes, not models."""
