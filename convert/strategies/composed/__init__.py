"""Float64 operators: a file for each kind of estimators, and what puts them together."""
