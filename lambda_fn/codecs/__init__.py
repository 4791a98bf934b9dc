"""One file per dialect: a body becomes rows, scores become a body. Codecs know nothing of ONNX."""
