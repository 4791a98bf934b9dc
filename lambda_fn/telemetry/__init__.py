"""What is told outside: a line of the log for each call, and metrics, as lines that CloudWatch makes metrics of."""
