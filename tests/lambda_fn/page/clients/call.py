"""Calls the service by a client that was generated: `python call.py FOLDER URL`, rows in JSON on stdin."""

from __future__ import annotations

import importlib
import json
import sys


def main(folder: str, url: str) -> int:
    """Print what was answered for the rows, the code of an error, and the model's name."""
    sys.path.insert(0, folder)
    generated = importlib.import_module("generated")
    models = importlib.import_module("generated.models")
    predict = importlib.import_module("generated.api.model.predict")
    get_model = importlib.import_module("generated.api.model.get_model")
    client = generated.Client(base_url=url, raise_on_unexpected_status=True)
    rows = [models.RowObject.from_dict(row) for row in json.load(sys.stdin)]
    scored = predict.sync(client=client, body=models.Rows(data=rows), probabilities=True)
    assert isinstance(scored, models.Prediction), scored
    refused = predict.sync(client=client, body=models.Rows(data=[[]]))
    assert isinstance(refused, models.BadRequestProblem), refused
    told = {"code": refused.code, "name": get_model.sync(client=client).name}
    print(json.dumps(scored.to_dict() | told))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
