"""Time of a call within the process, without an emulator: the handler, the same steps bare, the estimator alone."""
