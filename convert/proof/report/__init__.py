"""The page of `verify --report`."""
