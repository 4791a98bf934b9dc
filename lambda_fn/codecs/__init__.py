"""One file per dialect: a body becomes rows, scores become a body. Knows nothing of ONNX and of events."""
