"""What a fitted estimator is made of, read from it."""
