"""What KServe's client makes of the service, by both protocols: ``python kserve_client.py URL MODEL TABLE``."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

DATATYPES = {bool: "BOOL", str: "BYTES"}


async def main(url: str, model: str, table: dict[str, list[Any]]) -> dict[str, Any]:
    """Call what the client has; return what came of it."""
    second = InferenceRESTClient(RESTConfig(protocol="v2"))
    first = InferenceRESTClient(RESTConfig(protocol="v1"))
    found: dict[str, Any] = {
        "live": await second.is_server_live(url),
        "ready": await second.is_server_ready(url),
        "model ready": await second.is_model_ready(url, model),
        "no model ready": await second.is_model_ready(url, "nobody"),
        "model ready, v1": await first.is_model_ready(url, model),
    }
    for name, binary in (("binary", True), ("json", False)):
        request = InferRequest(model, [tensor(each, values, binary) for each, values in table.items()], request_id="7")
        answer = await second.infer(url, request, model_name=model)
        found[name] = {each.name: each.as_numpy().ravel().tolist() for each in answer.outputs}
        found[f"{name}, id"] = answer.id
    rows = [list(row) for row in zip(*table.values(), strict=True)]
    found["v1"] = await first.infer(url, {"instances": rows}, model_name=model)
    try:
        await first.infer(url, {"instances": [row[1:] for row in rows]}, model_name=model)
    except Exception as error:
        found["error"] = str(error)
    return found


def tensor(name: str, values: list[Any], binary: bool) -> Any:
    """Return the input of one feature, (n, 1)."""
    datatype = DATATYPES.get(type(values[0]), "FP64")
    made = InferInput(name, [len(values), 1], datatype)
    array = np.array(values, np.object_ if datatype == "BYTES" else None).reshape(-1, 1)
    made.set_data_from_numpy(array, binary_data=binary)
    return made


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])))))
