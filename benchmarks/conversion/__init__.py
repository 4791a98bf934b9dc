"""What conversion gains: export, size and speed of a model file, beside scikit-learn and other converters."""
