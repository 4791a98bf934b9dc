"""What `tritonclient[http]` makes of the service: ``python triton.py HOST:PORT/STAGE MODEL TABLE.json``, in JSON."""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

DTYPES = {"FP64": np.float64, "FP32": np.float32, "BOOL": np.bool_, "BYTES": np.object_}


def main(url: str, model: str, table: dict[str, list[Any]]) -> dict[str, Any]:
    """Call what the client has; return what came of it."""
    client = triton.InferenceServerClient(url)
    found: dict[str, Any] = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model ready": client.is_model_ready(model),
        "no model ready": client.is_model_ready("nobody"),
        "server": client.get_server_metadata(),
        "metadata": client.get_model_metadata(model),
    }
    version = found["metadata"]["versions"][0]
    found["version"] = client.get_model_metadata(model, version)["versions"]
    datatypes = {each["name"]: each["datatype"] for each in found["metadata"]["inputs"]}
    for name, binary in (("binary", True), ("json", False)):
        inputs = [tensor(each, values, datatypes[each], binary) for each, values in table.items()]
        found[name] = answer(client.infer(model, inputs, request_id="a1"))
        found[f"{name}, compressed"] = [
            answer(
                client.infer(model, inputs, request_compression_algorithm=coding, response_compression_algorithm=coding)
            )
            for coding in ("gzip", "deflate")
        ]
        asked = [
            triton.InferRequestedOutput("probabilities", binary_data=False),
            triton.InferRequestedOutput("prediction", binary_data=binary),
        ]
        found[f"{name}, by name"] = answer(client.infer(model, inputs, model_version=version, outputs=asked))
    first = next(iter(table))
    found["errors"] = [
        error(lambda: client.infer(model, inputs[1:])),
        error(lambda: client.infer(model, inputs, outputs=[triton.InferRequestedOutput("nothing")])),
        error(lambda: client.infer("nobody", inputs)),
        error(lambda: client.infer(model, inputs, model_version="0")),
        error(lambda: client.infer(model, [tensor(first, table[first][:1], datatypes[first], True), *inputs[1:]])),
        error(lambda: client.get_model_metadata("nobody")),
    ]
    client.close()
    return found


def tensor(name: str, values: list[Any], datatype: str, binary: bool) -> Any:
    """Return the input of one feature, (n, 1)."""
    array: Any = np.array(values, DTYPES[datatype]).reshape(-1, 1)
    if not binary and datatype == "BYTES":
        array = np.char.encode(array.astype(str), "utf-8").astype(np.object_)
    made = triton.InferInput(name, list(array.shape), datatype)
    made.set_data_from_numpy(array, binary_data=binary)
    return made


def answer(result: Any) -> dict[str, Any]:
    """Return the outputs of an answer by name, as JSON has them."""
    response = result.get_response()
    outputs = {each["name"]: result.as_numpy(each["name"]) for each in response["outputs"]}
    told = {
        name: [each.decode() if isinstance(each, bytes) else each for each in values.ravel().tolist()]
        for name, values in outputs.items()
    }
    return {"id": response.get("id"), "outputs": told, "shapes": {name: each.shape for name, each in outputs.items()}}


def error(call: Any) -> list[Any]:
    """Return status and text of the error that a call raises."""
    try:
        call()
    except InferenceServerException as raised:
        return [raised.status(), raised.message()]
    raise AssertionError("no error was raised")


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))))
