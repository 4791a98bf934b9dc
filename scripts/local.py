"""The API on this machine: serverless-offline, restarted on change, over the S3 of an emulator.

Signatures are not asked for here: serverless-offline knows no IAM.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import watchfiles

from scripts.deployment import SERVERLESS, CommandError, Deployment
from scripts.emulator import ROOT, EmulatorError, free_port, start

BUCKET = "plume-local"
URI = f"s3://{BUCKET}/models/model.onnx"
PACKAGE, SETTINGS = ROOT / "lambda_fn", ROOT / "serverless.yml"


def main() -> int:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="scripts.local", description=__doc__)
    parser.add_argument("--port", type=int, default=5005)
    parser.add_argument("--model", type=Path, default=ROOT / "build" / "model.onnx")
    options = parser.parse_args()
    try:
        with socket.create_server(("127.0.0.1", options.port)):
            pass
    except (OSError, OverflowError) as error:
        print(f"port {options.port} can't be listened on: {error}", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with tempfile.TemporaryDirectory(prefix="plume-") as folder, start(Path(folder)) as emulator:
            serve(Deployment(emulator), options.model.resolve(), options.port)
    except (CommandError, EmulatorError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped")
    return 0


def serve(deployment: Deployment, model: Path, port: int) -> None:
    """Publish the model to the emulator's S3 and serve; anew after each change of what is watched."""
    deployment.make_bucket(BUCKET)
    changes = changes_of(model)
    while True:
        try:
            deployment.convert("publish", str(model), URI)
        except CommandError as error:
            print(f"{error}\nserving what was published before")
        print(f"the page: http://127.0.0.1:{port}/docs", flush=True)
        process = start_offline(deployment, port)
        try:
            changed = next((paths for paths in changes if paths or process.poll() is not None), set())
        finally:
            stop(process)
        if not changed:
            raise CommandError("serverless-offline ended by itself")
        print(f"changed: {', '.join(sorted({Path(path).name for _, path in changed}))}; restarting")


def changes_of(model: Path) -> Iterator[set[watchfiles.main.FileChange]]:
    """Yield what changed of the function, its settings and its model; every second, if nothing did, nothing.

    Folders are watched, as a file that another takes the place of is not seen any more by who watches the file.
    """
    folders = {PACKAGE, *(path.parent for path in PACKAGE.rglob("*.py")), SETTINGS.parent, model.parent}

    def matters(_: watchfiles.Change, name: str) -> bool:
        path = Path(name)
        return path in {SETTINGS, model} or (path.suffix in {".py", ".html"} and path.is_relative_to(PACKAGE))

    return watchfiles.watch(
        *folders, watch_filter=matters, recursive=False, raise_interrupt=True, yield_on_timeout=True, rust_timeout=1000
    )


def start_offline(deployment: Deployment, port: int) -> subprocess.Popen[bytes]:
    """Start serverless-offline in a process group of its own."""
    command = [*SERVERLESS, "offline", "--noPrependStageInUrl", "--noAuth", "--noSponsor", "--host", "127.0.0.1"]
    command += ["--httpPort", str(port), "--lambdaPort", str(free_port())]
    environ = deployment.emulator.environ() | {
        "MODEL_URI": URI,
        "MODELS_URI": f"s3://{BUCKET}/models/",
        "OBJECTS_URI": f"s3://{BUCKET}/objects/",
    }
    return subprocess.Popen(command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, start_new_session=True)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End serverless-offline and the handlers that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
