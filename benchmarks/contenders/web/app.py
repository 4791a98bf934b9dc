"""What is advised for ONNX today: FastAPI behind Mangum, onnxruntime, the model from S3 by boto3."""

import os
from typing import Annotated, Any

import boto3
import numpy as np
import onnxruntime
from fastapi import Body, FastAPI
from mangum import Mangum

app = FastAPI()
bucket, _, key = os.environ["MODEL_URI"].removeprefix("s3://").partition("/")
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(
    boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read(), options, providers=["CPUExecutionProvider"]
)
[model_input] = session.get_inputs()
dtype = {"tensor(float)": np.float32, "tensor(double)": np.float64}[model_input.type]


@app.get("/")
async def status() -> dict[str, str]:
    """Answer that the service is up."""
    return {"status": "up"}


@app.post("/predict")
async def predict(data: Annotated[list[list[float]], Body(embed=True)]) -> dict[str, list[Any]]:
    """Answer the prediction for each row."""
    return {"prediction": session.run(None, {model_input.name: np.array(data, dtype)})[0].tolist()}


handler = Mangum(app, lifespan="off")
