"""Asks the fitted estimator: what it takes, what it answers, what it refuses."""
