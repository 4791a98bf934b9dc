"""The scoring service: all that ships to AWS Lambda.

Standard library, numpy, onnxruntime and the runtime's own boto3; nothing of what trains or converts.
"""
