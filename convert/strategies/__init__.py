"""One file for each way to write a graph.

A strategy returns a model whose one input ``X`` is (n, features) and whose outputs are ``label`` (n,) and
``probabilities`` (n, classes) for a classifier, ``value`` (n, 1) for a regressor.
"""
