"""The stacks that are compared, each with the handler that it would be deployed with."""
