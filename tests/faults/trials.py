"""The service with S3 behind the proxy: what callers see of a fault, and that it ends when the fault does."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from uuid import uuid4

from scripts.emulator import Emulator
from tests.conftest import TESTS
from tests.faults.catalogue import ALTERED, ANSWERED, KEPT, LOST
from tests.faults.certificates import Certificates
from tests.faults.proxy import Fault, Proxy
from tests.faults.service import CALL_SECONDS, Reply, Service

PREDICT, CARD = "predict-http-api", "model-http-api"
GET, PUT = "objects-get-http-api", "objects-put-http-api"
BUCKET = "bucket-of-secrets"
MODEL, OBJECT, CAPTURED = "models/model.onnx", "objects/note", "captured/"
KEPT_OBJECT = json.dumps({"rows": list(range(5000))})
"""As long as the models are: at 1 kB a second it takes longer than a call may, and a busy machine adds."""
SENT_OBJECT = json.loads((TESTS / "events" / f"{PUT}.json").read_text())["body"]
WATCHED_SECONDS = 20.0
"""How long a function that has a model is watched for a word about another that it does not take."""
MORE_SECONDS = 1.5
"""How long it is watched then: S3 is looked at every second."""
STORM, GIVEN_UP = 30, 9
"""How many cold calls come while S3 does not answer, and calls of objects, which each wait until their deadline."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model file, and what the service answers with it to the event PREDICT."""

    data: bytes
    answer: str

    @property
    def sha256(self) -> str:
        """Its digest, in hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Grounds:
    """What trials share: an S3 with BUCKET and a client, certificates, two models that answer differently, a folder."""

    emulator: Emulator
    client: Any
    certificates: Certificates
    old: ModelFile
    new: ModelFile
    folder: Path


@dataclass(frozen=True, slots=True)
class Site:
    """Where one trial takes place: a prefix in the bucket, with the old model and an object, and a proxy in front."""

    grounds: Grounds
    prefix: str
    proxy: Proxy
    names: Path

    def put(self, key: str, data: bytes) -> None:
        """Store something, without the proxy."""
        checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
        self.grounds.client.put_object(Bucket=BUCKET, Key=self.prefix + key, Body=data, ChecksumSHA256=checksum)

    def stored(self, key: str) -> bytes:
        """Return what is stored, without the proxy."""
        data: bytes = self.grounds.client.get_object(Bucket=BUCKET, Key=self.prefix + key)["Body"].read()
        return data

    def predict(self) -> Service:
        """Return a function that scores, and looks for a newer model every second."""
        return self._service("predict", MODEL_URI=f"s3://{BUCKET}/{self.prefix}{MODEL}", MODEL_TTL="1")

    def capture(self) -> Service:
        """Return a function that scores by a model in a file, and keeps all of it at the prefix."""
        file = self.names.with_name("iris.onnx")
        file.write_bytes(self.grounds.old.data)
        captured = f"s3://{BUCKET}/{self.prefix}{CAPTURED}"
        return self._service("predict", MODEL_URI=file.as_uri(), CAPTURE_URI=captured, CAPTURE_SHARE="1")

    def objects(self) -> Service:
        """Return a function that keeps objects."""
        return self._service("objects", OBJECTS_URI=f"s3://{BUCKET}/{self.prefix}objects/")

    def _service(self, function: str, **settings: str) -> Service:
        authority = str(self.grounds.certificates.authority)
        client = {
            "AWS_ENDPOINT_URL": self.proxy.url,
            "AWS_ACCESS_KEY_ID": "AKID",
            "AWS_SECRET_ACCESS_KEY": "hunter2",
            "AWS_CA_BUNDLE": authority,
            "SSL_CERT_FILE": authority,
        }
        return Service(function, self.names, {**self.grounds.emulator.aws_environ(), **client, **settings})


@contextmanager
def site(grounds: Grounds, fault: Fault) -> Iterator[Site]:
    """Give a site to one trial."""
    prefix = f"{uuid4().hex}/"
    names = Path(mkdtemp(dir=grounds.folder), "names")
    with Proxy(grounds.emulator.port, grounds.certificates, names, tls=fault.tls) as proxy:
        here = Site(grounds, prefix, proxy, names)
        here.put(MODEL, grounds.old.data)
        here.put(OBJECT, KEPT_OBJECT.encode())
        yield here


def at_start(grounds: Grounds, fault: Fault) -> str:
    """Return what cold calls are answered with while the fault lasts; check that calls are scored when it is over."""
    with site(grounds, fault) as here:
        here.proxy.switch(fault)
        with here.predict() as service:
            first = cold = service.ask(PREDICT)
            if first.status == 503:
                time.sleep(retry_after(first))  # until then S3 need not be asked again
                cold = service.ask(PREDICT)
                assert cold.code == first.code
            here.proxy.switch(None)
            check_answered(service.ask_until(PREDICT, is_scored, retry_after(cold)), grounds.old)
            return cold.code or ANSWERED


def at_reload(grounds: Grounds, fault: Fault) -> str:
    """Return why a model that is published meanwhile is not served; check that the old one is, and then the new one."""
    with site(grounds, fault) as here, here.predict() as service:
        check_answered(service.ask(PREDICT), grounds.old)
        here.proxy.switch(fault)
        here.put(MODEL, grounds.new.data)
        reason = why_rejected(service, grounds)
        here.proxy.switch(None)
        check_answered(service.ask_until(PREDICT, lambda reply: is_of(reply, grounds.new), CALL_SECONDS), grounds.new)
        assert card(service)["rejected"] is None
        return reason


def why_rejected(service: Service, grounds: Grounds) -> str:
    """Call a warm function until it tells why it serves no newer model, or serves it, or long enough for either."""
    end = time.monotonic() + WATCHED_SECONDS
    while time.monotonic() < end:
        reply = service.ask(PREDICT)
        if is_of(reply, grounds.new):
            return ANSWERED
        check_answered(reply, grounds.old)
        rejected = card(service)["rejected"]
        if rejected is not None:
            assert rejected.keys() == {"code", "reason", "sha256", "version_id", "since"}
            check_serves(service, grounds.old)
            return str(rejected["code"])
        time.sleep(0.2)
    return KEPT


def check_serves(service: Service, model: ModelFile) -> None:
    """Check that every call is answered by that model, for longer than it takes to look at S3 again."""
    end = time.monotonic() + MORE_SECONDS
    while time.monotonic() < end:
        check_answered(service.ask(PREDICT), model)
        serving = card(service)["serving"]
        assert serving.keys() == {"sha256", "version_id", "since"}
        assert serving["sha256"] == model.sha256
        time.sleep(0.1)


def objects(grounds: Grounds, fault: Fault) -> tuple[str, str]:
    """Return what GET and PUT of an object are answered with; check that both do as they should afterwards."""
    with site(grounds, fault) as here, here.objects() as service:
        here.proxy.switch(fault)
        read = service.ask(GET)
        got = read.code or (ANSWERED if read.body == KEPT_OBJECT else ALTERED)
        wrote = service.ask(PUT)
        put = wrote.code or (ANSWERED if here.stored(OBJECT) == SENT_OBJECT.encode() else LOST)
        here.proxy.switch(None)
        service.ask_until(PUT, is_scored, retry_after(wrote))
        assert service.ask_until(GET, is_scored, retry_after(read)).body == SENT_OBJECT
        return got, put


def storm(grounds: Grounds, fault: Fault) -> None:
    """Check that many cold calls do not each wait for an S3 that does not answer."""
    with site(grounds, fault) as here:
        here.proxy.switch(fault)
        with here.predict() as service:
            began = time.monotonic()
            codes = {service.ask(PREDICT).code for _ in range(STORM)}
            assert time.monotonic() - began < STORM / 5 * CALL_SECONDS
            assert codes == {fault.seen.start}


def storm_of_objects(grounds: Grounds, fault: Fault) -> None:
    """Check that objects are answered after a fault, however many calls gave up waiting for them while it lasted."""
    with site(grounds, fault) as here, here.objects() as service:
        here.proxy.switch(fault)
        assert {service.ask(GET).code for _ in range(GIVEN_UP)} == {fault.seen.get}
        here.proxy.switch(None)
        assert service.ask_until(GET, is_scored, CALL_SECONDS).body == KEPT_OBJECT


def card(service: Service) -> Any:
    """Return what the function tells of its model."""
    reply = service.ask(CARD)
    assert is_scored(reply), reply
    return json.loads(reply.body)


def check_answered(reply: Reply, model: ModelFile) -> None:
    """Check that a call was answered, by that model."""
    assert (reply.status, reply.body, is_of(reply, model)) == (200, model.answer, True), reply


def is_scored(reply: Reply) -> bool:
    """Whether a call was answered."""
    return reply.status == 200


def is_of(reply: Reply, model: ModelFile) -> bool:
    """Whether it was answered by that model."""
    return reply.headers.get("x-model-sha256") == model.sha256


def retry_after(reply: Reply) -> int:
    """Return when to come back, in seconds."""
    return int(reply.headers.get("retry-after", "0"))
