"""The stack of 2017: Chalice, scikit-learn, and a pickled estimator on S3."""

import os
import pickle

import boto3
from chalice import Chalice

app = Chalice(app_name="seed")
bucket, _, key = os.environ["ESTIMATOR_URI"].removeprefix("s3://").partition("/")
estimator = pickle.loads(boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())  # noqa: S301


@app.route("/", methods=["GET"])
def status() -> dict[str, str]:
    """Answer that the service is up."""
    return {"status": "up"}


@app.route("/predict", methods=["POST"])
def predict() -> dict[str, list[int]]:
    """Answer the prediction for each row."""
    return {"prediction": estimator.predict(app.current_request.json_body["data"]).tolist()}
