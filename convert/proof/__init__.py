"""The same rows to estimator and model file: what differs, and the certificate."""
