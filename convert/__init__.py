"""The offline half: a fitted scikit-learn estimator becomes one self-describing model file."""

import os

# As in lambda_fn: onnxruntime would tell Microsoft of the models that it verifies. It asks when it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
