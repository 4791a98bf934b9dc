"""What looks at a model file before onnxruntime does."""
