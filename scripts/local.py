"""The API on this machine: serverless-offline, restarted on change, over the S3 of an emulator.

Calls are asked for nothing, unless --auth says so: then a door is in front, as serverless-offline knows no IAM.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import watchfiles
from botocore.credentials import Credentials

from scripts.deployment import SERVERLESS, CommandError, Deployment
from scripts.doors import Door, Doors, doors_before, key_door, open_door, signature_door, token_door
from scripts.emulator import ROOT, EmulatorError, free_port, start

BUCKET = "plume-local"
URI = f"s3://{BUCKET}/models/model.onnx"
DOORS = ("open", "iam", "jwt", "key")
QUIET = {"LOG_CALLS": "none", "METRICS": "false"}
"""What of serverless.yml's settings is another here, unless the environment says otherwise."""
PACKAGE, SETTINGS = ROOT / "lambda_fn", ROOT / "serverless.yml"


class DoorError(RuntimeError):
    """Raised when a door can't be made of what the command line says."""


def main() -> int:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="scripts.local", description=__doc__)
    parser.add_argument("--port", type=int, default=5005)
    parser.add_argument("--model", type=Path, default=ROOT / "build" / "model.onnx")
    parser.add_argument("--auth", choices=DOORS, default="open", help="what a call is asked for, as in serverless.yml")
    parser.add_argument("--docs-auth", choices=DOORS, help="the same of /docs and /openapi.json; by default as --auth")
    for name in ("--jwt-issuer", "--jwt-audience", "--jwt-scopes"):
        parser.add_argument(name, default="", help="as in serverless.yml")
    options = parser.parse_args()
    options.docs_auth = options.docs_auth or options.auth
    try:
        with socket.create_server(("127.0.0.1", options.port)):
            pass
    except (OSError, OverflowError) as error:
        print(f"port {options.port} can't be listened on: {error}", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with tempfile.TemporaryDirectory(prefix="plume-") as folder, start(Path(folder)) as emulator:
            deployment = Deployment(emulator)
            if options.auth == options.docs_auth == "open":
                serve(deployment, options.model.resolve(), options.port, options.port)
                return 0
            port = free_port()
            with doors_before(doors_of(options), options.port, port):
                told = {"DOOR": options.auth, "DOCS_DOOR": options.docs_auth}
                serve(deployment, options.model.resolve(), options.port, port, **told)
    except (CommandError, EmulatorError, DoorError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped")
    return 0


def doors_of(options: argparse.Namespace) -> Doors:
    """Return the doors that the command line asks for, and print what opens them; raise DoorError if it lacks some."""
    asked = {options.auth, options.docs_auth}
    credentials = Credentials(
        os.environ.get("AWS_ACCESS_KEY_ID") or "test", os.environ.get("AWS_SECRET_ACCESS_KEY") or "test"
    )
    signed = signature_door(credentials)
    made: dict[str, Door] = {"open": open_door, "iam": signed}
    print(f"signed calls are let in of the access key {credentials.access_key} of this environment")
    if "key" in asked:
        key = os.environ.get("PLUME_KEY") or secrets.token_urlsafe(24)
        made["key"] = key_door(key)
        print("x-api-key: that of PLUME_KEY" if os.environ.get("PLUME_KEY") else f"x-api-key: {key}")
    if "jwt" in asked:
        audience, scopes = (listed(text) for text in (options.jwt_audience, options.jwt_scopes))
        if not options.jwt_issuer or not audience:
            raise DoorError("--auth jwt asks for --jwt-issuer, a URL, and --jwt-audience")
        try:
            made["jwt"] = token_door(options.jwt_issuer, audience, scopes)
        except (OSError, ValueError, KeyError) as error:
            raise DoorError(f"{options.jwt_issuer} does not tell its keys: {error}") from error
        print(f"tokens are let in of {options.jwt_issuer} for {options.jwt_audience}")
    return Doors(made[options.auth], made[options.docs_auth], signed)


def listed(text: str) -> list[str]:
    """Return what is between the commas of a text."""
    return [each.strip() for each in text.split(",") if each.strip()]


def serve(deployment: Deployment, model: Path, port: int, offline: int, **settings: str) -> None:
    """Publish the model to the emulator's S3 and serve; anew after each change of what is watched.

    port: where calls come in; offline: where serverless-offline listens.
    """
    deployment.make_bucket(BUCKET)
    changes = changes_of(model)
    while True:
        try:
            deployment.convert("publish", str(model), URI)
        except CommandError as error:
            print(f"{error}\nserving what was published before")
        print(f"the page: http://127.0.0.1:{port}/docs", flush=True)
        process = start_offline(deployment, offline, settings)
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


def start_offline(deployment: Deployment, port: int, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start serverless-offline in a process group of its own."""
    command = [*SERVERLESS, "offline", "--noPrependStageInUrl", "--noAuth", "--noSponsor", "--host", "127.0.0.1"]
    command += ["--httpPort", str(port), "--lambdaPort", str(free_port())]
    environ = {
        **QUIET,
        **deployment.emulator.environ(),
        "MODEL_URI": URI,
        "MODELS_URI": f"s3://{BUCKET}/models/",
        "OBJECTS_URI": f"s3://{BUCKET}/objects/",
        **settings,
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
