"""The scoring service: all that ships to AWS Lambda.

Standard library, numpy, onnxruntime and the runtime's own boto3; nothing of what trains or converts.
"""

import os

VERSION = "0.1.0"
"""Plume's; pyproject.toml has it, too."""

# Or else onnxruntime keeps a device id, starts a thread and tells Microsoft of the models that it loads. It asks when
# it is imported: https://github.com/microsoft/onnxruntime/blob/main/docs/Privacy.md
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
