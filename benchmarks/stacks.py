"""The contenders as they would be deployed: packages and handlers unpacked in a folder, their models in place."""

from __future__ import annotations

import pickle
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import joblib
from rich.console import Console

from benchmarks.harness import Contender
from convert.export import export
from convert.model_file.publish import publish
from convert.proof.verify import verify
from convert.train import train
from layers.architecture import host_architecture
from layers.archive import write_zip
from scripts.deployment import Deployment
from scripts.emulator import ROOT, Emulator
from scripts.runtime import PYTHON, Tree, unpack

BUCKET = "bench"
HANDLERS = ROOT / "benchmarks" / "contenders"
SAME_FOR_ALL = {"OPENBLAS_NUM_THREADS": "1", "ORT_DISABLE_TELEMETRY": "1"}
"""What no contender is to gain from: threads that wait for work, and reports to Microsoft, 1 ms of a cold start."""
TURNS = 3
RUNTIMES = ("boto3*", "botocore*", "s3transfer*", "pip", "pip-*", "wheel*", "setuptools*")
"""What Lambda's runtime brings, or what nobody ships."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where S3 answers: at once, late, and over TLS, which `authority`, a PEM file, vouches for."""

    near: int
    late: int
    tls: int
    authority: Path


@dataclass(frozen=True, slots=True)
class Site:
    """Where the contenders are put together: a folder, the demo model in two formats, and S3 as clients see it.

    s3: the variables that point a client at S3; late_s3, tls_s3: at the S3 behind the latency, and over TLS.
    """

    folder: Path
    estimator: Path
    model: Path
    s3: Mapping[str, str]
    late_s3: Mapping[str, str]
    tls_s3: Mapping[str, str]

    @property
    def model_uri(self) -> str:
        """Where the model file is published."""
        return f"s3://{BUCKET}/models/iris.onnx"

    @property
    def estimator_uri(self) -> str:
        """Where the pickled estimator is."""
        return f"s3://{BUCKET}/iris.pickle"


def prepare(folder: Path, emulator: Emulator, ports: Ports) -> Site:
    """Train, convert and publish the demo model on S3, which answers at `ports`."""
    estimator, _ = train(folder / "iris.joblib")
    model = folder / "iris.onnx"
    export(estimator, model, name="iris")
    verify(estimator, model, None, Console(quiet=True))
    s3, late_s3, tls_s3 = (
        emulator.aws_environ() | {"AWS_ENDPOINT_URL": f"{scheme}://127.0.0.1:{port}"}
        for scheme, port in (("http", ports.near), ("http", ports.late), ("https", ports.tls))
    )
    # each client has its own variable; with an endpoint of its own, plume does not leave AWS_CA_BUNDLE to boto3
    trusted = dict.fromkeys(("SSL_CERT_FILE", "AWS_CA_BUNDLE"), str(ports.authority))
    site = Site(folder, estimator, model, s3, late_s3, tls_s3 | trusted)
    deployment = Deployment(emulator)
    deployment.make_bucket(BUCKET)
    deployment.client("s3").put_object(
        Bucket=BUCKET, Key=site.estimator_uri.partition(f"{BUCKET}/")[2], Body=pickle.dumps(joblib.load(estimator))
    )
    publish(model, site.model_uri)
    return site


def contenders(site: Site) -> list[Contender]:
    """Return all contenders in read-only trees.

    Ours and the floor, which are nearest to each other, follow one another and have several turns in a repetition.
    """
    ours = plume(site)
    found = [ours, floor(site, ours), empty(site), web(site), seed(site)]
    for contender in found:
        contender.tree.protect()
    return found


def plume(site: Site) -> Contender:
    """Return this project's layer and function."""
    layer = ROOT / "build" / f"layer-{host_architecture().name}.zip"
    tree = unpack(layer, site.folder / "plume")
    zipped = layer.stat().st_size + _zipped(tree.task)
    return _on_s3("plume", tree, "lambda_fn.handler.predict", site, {"MODEL_URI": site.model_uri}, zipped, TURNS)


def seed(site: Site) -> Contender:
    """Return the stack of 2017, its estimator pickled on S3. Chalice ships no bytecode."""
    tree = _install("seed", site)
    return _on_s3("seed", tree, "app.app", site, {"ESTIMATOR_URI": site.estimator_uri}, _zipped(tree.opt.parent))


def web(site: Site) -> Contender:
    """Return FastAPI, Mangum and onnxruntime, their bytecode shipped."""
    tree = _install("web", site)
    command = [str(PYTHON), "-m", "compileall", "-q", "-j", "2", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*command, str(tree.opt), str(tree.task)], check=True)
    return _on_s3("web", tree, "app.handler", site, {"MODEL_URI": site.model_uri}, _zipped(tree.opt.parent))


def empty(site: Site) -> Contender:
    """Return a handler that answers a constant."""
    tree = Tree(site.folder / "empty" / "opt", site.folder / "empty" / "task")
    tree.opt.mkdir(parents=True)
    _copy_handler("empty", tree)
    return Contender("empty", tree, "app.handler", {}, _zipped(tree.task), scores=False)


def floor(site: Site, ours: Contender) -> Contender:
    """Return the least that scores, on our layer, its model beside it on disk."""
    tree = Tree(ours.tree.opt, site.folder / "floor" / "task")
    _copy_handler("floor", tree)
    shutil.copy(site.model, tree.task / "model.onnx")
    layer = ROOT / "build" / f"layer-{host_architecture().name}.zip"
    environ = SAME_FOR_ALL | {"MODEL_PATH": str(tree.task / "model.onnx")}
    return Contender("floor", tree, "app.handler", environ, layer.stat().st_size + _zipped(tree.task), turns=TURNS)


def _install(name: str, site: Site) -> Tree:
    """Return the tree of the packages in the environment .tools/NAME and of the handler, without any bytecode."""
    [packages] = (ROOT / ".tools" / name).glob("lib/*/site-packages")
    tree = Tree(site.folder / name / "opt", site.folder / name / "task")
    shutil.copytree(packages, tree.opt / "python", ignore=shutil.ignore_patterns("__pycache__", *RUNTIMES))
    _copy_handler(name, tree)
    return tree


def _copy_handler(name: str, tree: Tree) -> None:
    shutil.copytree(HANDLERS / name, tree.task, ignore=shutil.ignore_patterns("__pycache__"))


def _on_s3(
    name: str, tree: Tree, handler: str, site: Site, settings: Mapping[str, str], zipped: int, turns: int = 1
) -> Contender:
    near, late, tls = ({**s3, **SAME_FOR_ALL, **settings} for s3 in (site.s3, site.late_s3, site.tls_s3))
    return Contender(name, tree, handler, near, zipped, late, tls, turns=turns)


def _zipped(folder: Path) -> int:
    out = folder.parent / f"{folder.name}.zip"
    write_zip(folder, out)
    size = out.stat().st_size
    out.unlink()
    return size
