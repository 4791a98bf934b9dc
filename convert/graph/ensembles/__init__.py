"""One file for each kind of ensembles of trees: what reads it, and how its sums become an answer."""
