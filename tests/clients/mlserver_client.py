"""What MLServer's types and codecs make of the service: ``python mlserver_client.py URL MODEL TABLE.json``, in JSON."""

from __future__ import annotations

import json
import sys
from typing import Any

import pandas as pd
import requests
from mlserver.codecs import PandasCodec
from mlserver.types import InferenceResponse, MetadataModelResponse, MetadataServerResponse


def main(url: str, model: str, table: dict[str, list[Any]]) -> dict[str, Any]:
    """Send a data frame as MLServer's clients do; return what came of it."""
    server = MetadataServerResponse.model_validate(requests.get(f"{url}/v2", timeout=60).json())
    metadata = MetadataModelResponse.model_validate(requests.get(f"{url}/v2/models/{model}", timeout=60).json())
    texts = {name: object for name, values in table.items() if isinstance(values[0], str)}  # no type of pandas 3's own
    request = PandasCodec.encode_request(pd.DataFrame(table).astype(texts), use_bytes=False)
    sent = requests.post(f"{url}/v2/models/{model}/infer", json=request.model_dump(mode="json"), timeout=60)
    outputs = InferenceResponse.model_validate(sent.json()).outputs
    return {
        "extensions": server.extensions,
        "inputs": [each.name for each in metadata.inputs or []],
        "outputs": {each.name: each.data.root for each in outputs},
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))))
