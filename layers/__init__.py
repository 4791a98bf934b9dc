"""The Lambda layer: onnxruntime and numpy, pruned, as reproducible zips for both architectures."""
