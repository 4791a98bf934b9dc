"""An S3 on loopback that is fast enough to measure its clients by: objects are files, which the kernel sends.

It knows what bulk scoring asks of S3, believes everybody, compares no checksum, and forgets all when it ends. Bodies
come as they are: what boto3 sends in pieces with a checksum behind (aws-chunked), it sends over TLS alone.
"""

from __future__ import annotations

import re
import sys
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

PIECE_BYTES = 2**20
PAGE_KEYS = 1000
"""How many keys an answer lists."""
MODIFIED = "2026-01-01T00:00:00.000Z"

type Name = tuple[str, str]
"""Bucket and key."""


class RefusalError(Exception):
    """Raised for a request that S3 answers with an error: its status and its code."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object, or a part of one: files with their sizes, one behind the other, and what tells it from others."""

    files: tuple[tuple[Path, int], ...]
    etag: str

    @property
    def size(self) -> int:
        """The bytes of all."""
        return sum(size for _, size in self.files)

    def slices(self, begin: int, end: int) -> Iterator[tuple[Path, int, int]]:
        """Yield which file has bytes from `begin` to `end`, from where on, and how many."""
        at = 0
        for path, size in self.files:
            first, last = max(begin, at), min(end, at + size)
            if first < last:
                yield path, first - at, last - first
            at += size


class Server(ThreadingHTTPServer):
    """Listens on a free port of 127.0.0.1; has what is there, with its bytes in files of a folder."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        """Listen; objects go into `folder`."""
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.objects: dict[Name, Stored] = {}
        self.uploads: dict[str, dict[int, Stored]] = {}
        self._lock = threading.Lock()

    def put(self, name: Name, made: Stored, once: bool) -> None:
        """Put an object; of those who do so `once`, the first one does, and others are refused."""
        with self._lock:
            before = self.objects.get(name)
            if once and before is not None:
                raise RefusalError(412, "PreconditionFailed")
            self.objects[name] = made
        _remove(before)

    def listed(self, bucket: str, prefix: str, after: str) -> list[tuple[str, Stored]]:
        """Return the keys behind `after`, sorted, with their objects."""
        found = self.objects.copy().items()
        ours = ((key, made) for (where, key), made in found if where == bucket and key.startswith(prefix))
        return sorted((each for each in ours if each[0] > after), key=lambda each: each[0])


class Handler(BaseHTTPRequestHandler):
    """A connection of a client."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        """Send an object, a range of it, or a list."""
        (bucket, key), query = self._asked()
        if not key:
            self._list(bucket, query)
            return
        found = self.server.objects.get((bucket, key))
        if found is None:
            raise RefusalError(404, "NoSuchKey")
        if self.headers.get("If-Match", found.etag) != found.etag:
            raise RefusalError(412, "PreconditionFailed")
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        begin, end = 0, found.size
        if asked is not None:
            begin, end = int(asked[1]), min(found.size, int(asked[2]) + 1 if asked[2] else found.size)
            if begin >= end:
                raise RefusalError(416, "InvalidRange")
        self.send_response(200 if asked is None else 206)
        self.send_header("ETag", found.etag)
        self.send_header("Content-Length", str(end - begin))
        if asked is not None:
            self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{found.size}")
        self.end_headers()
        if self.command == "GET":
            for path, first, count in found.slices(begin, end):
                with path.open("rb") as file:
                    self.connection.sendfile(file, first, count)

    def do_HEAD(self) -> None:
        """Answer as to GET, without the bytes."""
        self.do_GET()

    def do_PUT(self) -> None:
        """Take an object, or a part of one; a bucket is there as soon as it is named."""
        name, query = self._asked()
        if not name[1]:
            self._answer()
            return
        if self.headers.get("Content-Encoding", "").startswith("aws-chunked"):
            self.close_connection = True
            raise RefusalError(501, "NotImplemented")
        made, upload = self._received(), query.get("uploadId")
        try:
            if upload is None:
                self._put(name, made)
            else:
                self._parts(upload)[int(query["partNumber"])] = made
        except RefusalError:
            _remove(made)
            raise
        self._answer(etag=made.etag)

    def do_POST(self) -> None:
        """Begin an upload in parts, or make an object of them."""
        (bucket, key), query = self._asked()
        told = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        where = f"<Bucket>{bucket}</Bucket><Key>{quote(key)}</Key>"
        if "uploads" in query:
            number = uuid.uuid4().hex
            self.server.uploads[number] = {}
            self._answer(f"<InitiateMultipartUploadResult>{where}<UploadId>{number}</UploadId>", status=200)
            return
        parts = self._parts(query.get("uploadId", ""))
        numbers = [int(number) for number in re.findall(r"<PartNumber>(\d+)</PartNumber>", told)]
        if not numbers or not parts.keys() >= set(numbers):
            raise RefusalError(400, "InvalidPart")
        made = Stored(tuple(file for number in numbers for file in parts[number].files), _etag())
        self._put((bucket, key), made)
        del self.server.uploads[query["uploadId"]]
        self._answer(f"<CompleteMultipartUploadResult>{where}<ETag>{made.etag}</ETag>")

    def do_DELETE(self) -> None:
        """Leave nothing of an object, or of an upload."""
        name, query = self._asked()
        if "uploadId" in query:
            for part in self.server.uploads.pop(query["uploadId"], {}).values():
                _remove(part)
        else:
            _remove(self.server.objects.pop(name, None))
        self._answer(status=204)

    def handle_one_request(self) -> None:
        """Answer a request, with an error where it is refused."""
        try:
            super().handle_one_request()
        except RefusalError as error:
            status, code = error.args
            self._answer(f"<Error><Code>{code}</Code><Message>{code}</Message>", status=status)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _asked(self) -> tuple[Name, dict[str, str]]:
        parts = urlsplit(self.path)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        query = parse_qs(parts.query, keep_blank_values=True)
        return (bucket, key), {name: values[0] for name, values in query.items()}

    def _received(self) -> Stored:
        """Return what comes as a file."""
        size, path = int(self.headers["Content-Length"]), self.server.folder / uuid.uuid4().hex
        left, view = size, memoryview(bytearray(PIECE_BYTES))
        with path.open("wb", buffering=0) as file:
            while left:
                count = self.rfile.readinto(view[: min(left, PIECE_BYTES)])
                if not count:
                    raise ConnectionError(f"{left} of {size} bytes did not come")
                file.write(view[:count])
                left -= count
        return Stored(((path, size),), _etag())

    def _put(self, name: Name, made: Stored) -> None:
        self.server.put(name, made, once=self.headers.get("If-None-Match") == "*")

    def _parts(self, upload: str) -> dict[int, Stored]:
        if upload not in self.server.uploads:
            raise RefusalError(404, "NoSuchUpload")
        return self.server.uploads[upload]

    def _list(self, bucket: str, query: dict[str, str]) -> None:
        found = self.server.listed(bucket, query.get("prefix", ""), unquote(query.get("continuation-token", "")))
        shown, more = found[:PAGE_KEYS], len(found) > PAGE_KEYS
        token = f"<NextContinuationToken>{quote(shown[-1][0])}</NextContinuationToken>" if more else ""
        contents = "".join(
            f"<Contents><Key>{quote(key)}</Key><LastModified>{MODIFIED}</LastModified><ETag>{made.etag}</ETag>"
            f"<Size>{made.size}</Size></Contents>"
            for key, made in shown
        )
        self._answer(
            f"<ListBucketResult><EncodingType>url</EncodingType><KeyCount>{len(shown)}</KeyCount>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{contents}"
        )

    def _answer(self, inner: str = "", status: int = 200, etag: str = "") -> None:
        """Send an answer: an element of XML, whose end is left out of `inner`, or nothing."""
        body = f"{inner}</{inner[1 : inner.index('>')]}>".encode() if inner else b""
        self.send_response(status)
        if etag:
            self.send_header("ETag", etag)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _etag() -> str:
    return f'"{uuid.uuid4().hex}"'


def _remove(stored: Stored | None) -> None:
    for path, _ in stored.files if stored is not None else ():
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    with Server(Path(sys.argv[1])) as server:
        print(server.server_port, flush=True)
        server.serve_forever()
