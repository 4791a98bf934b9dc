"""The offline half: a fitted scikit-learn estimator becomes one self-describing model file."""
