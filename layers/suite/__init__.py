"""The scoring suite: every way to write a model, every kind of failure, scored by the function over a layer.

`cases` writes it, with scikit-learn's own answers; `score` runs it in an interpreter that has nothing but the layer.
"""
