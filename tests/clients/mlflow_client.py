"""What MLflow's client of scoring servers makes of the service: ``python mlflow_client.py PORT TABLE``."""

from __future__ import annotations

import json
import sys
from typing import Any

import pandas as pd
from mlflow.pyfunc.scoring_server.client import ScoringServerClient


def main(port: int, table: dict[str, list[Any]]) -> dict[str, Any]:
    """Call what the client has; return what came of it."""
    client = ScoringServerClient("127.0.0.1", port)
    client.ping()
    client.wait_server_ready(timeout=5)
    frame = pd.DataFrame(table)
    found: dict[str, Any] = {
        "version": client.get_version(),
        "frame": client.invoke(frame).get_predictions().iloc[:, 0].tolist(),
        "other order": client.invoke(frame[frame.columns[::-1]])["predictions"],
        "without names": client.invoke(frame.set_axis(range(frame.shape[1]), axis=1))["predictions"],
        "rows": client.invoke(frame.to_numpy(object))["predictions"],
        "probabilities": client.invoke(frame, params={"probabilities": True}).get_predictions("ndarray").tolist(),
    }
    try:
        client.invoke(frame.iloc[:, 1:])
    except Exception as error:
        found["error"] = str(error)
    return found


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), json.loads(sys.argv[2]))))
