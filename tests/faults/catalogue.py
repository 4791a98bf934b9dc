"""Every way in which S3 fails here, by name, and what the service is to make of it."""

from __future__ import annotations

from collections.abc import Mapping

from tests.faults.proxy import Fault, Seen
from tests.faults.treatments import (
    NO_CHECKSUM,
    altering,
    answering,
    body,
    but_its_end,
    close_when_asked,
    compressed,
    corrupted,
    cut,
    cut_in_handshake,
    endless,
    headers,
    in_chunks,
    keep_open,
    length,
    paced,
    partial,
    plain_over_tls,
    redirecting,
    refusing,
    reset_at_once,
    reset_when_asked,
    saying,
    showing,
    silent,
    slow_handshake,
    until_signed_for,
    version,
)

ANSWERED, ALTERED, LOST = "answered", "altered", "lost"
"""Words in the place of a code: all is well; another object is answered than was stored; none is stored."""
KEPT = "kept"
"""The last model is served, and nothing is told: S3 says that it has no other."""
INVALID = "model-invalid"
NOTHING_THERE = Seen("model-not-published", "model-not-published", "object-not-found")
HARMLESS = Seen(*[ANSWERED] * 4)
STORED = Seen(put=ANSWERED)
"""Of a fault of bodies, which the answer to PUT does not have."""
REGION = "eu-west-3"
"""Where the bucket is, in some of what follows; the function is elsewhere."""
OF_REGION = {"x-amz-bucket-region": REGION}
HTML = {"content-type": "text/html"}
PAGE = b"<!doctype html><title>Welcome</title><p>Log in to use this network.</p>"
CHECKSUM = "x-amz-checksum-sha256"
OF_NOTHING = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
"""The SHA-256 of no bytes."""

FAULTS: Mapping[str, tuple[Fault, ...]] = {
    "connection": (
        Fault("refused", silent, listens=False),
        Fault("silent", silent, waits=True),
        Fault("reset at once", reset_at_once),
        Fault("reset when asked", reset_when_asked),
        Fault("closed when asked", close_when_asked),
        Fault("reset within the head", cut(head=0.5, reset=True)),
        Fault("closed within the head", cut(head=0.5), STORED),
        Fault("reset within the body", cut(body=0.5, reset=True), STORED),
        Fault("closed within the body", cut(body=0.5), STORED),
        Fault("reset after the body", cut(body=1.0, reset=True), HARMLESS),
        Fault("not closed after the body", keep_open, HARMLESS),
        Fault("a name that is not resolved", silent, names="fails"),
        Fault("a name that nobody answers for", silent, waits=True, names="silence"),
    ),
    "pace": (
        Fault("a head at a byte a second", paced(1, 1.0, head=True), waits=True),
        Fault("a body at a byte a second", paced(1, 1.0), STORED, waits=True),
        Fault("1 kB a second", paced(1000, 1.0), STORED, waits=True),
        Fault("2 kB every 2.5 s", paced(2000, 2.5), STORED, waits=True),
        Fault("a byte a second without a length", paced(1, 1.0, headers({"content-length": None})), STORED, waits=True),
        Fault("a head without an end", endless(b"HTTP/1.1 200 OK\r\n", b"x-more: more\r\n")),
        Fault("a body without an end", endless(b"HTTP/1.1 200 OK\r\n\r\n", b"more"), waits=True),
        Fault(
            "chunks without an end",
            endless(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"3e8\r\n" + b"more" * 250 + b"\r\n"),
            waits=True,
        ),
        Fault("100 Continue without an end", endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), waits=True),
    ),
    "TLS": (
        Fault("an unknown authority", showing(lambda shown: shown.unknown), tls=True),
        Fault("a certificate of another host", showing(lambda shown: shown.wrong_host), tls=True),
        Fault("an expired certificate", showing(lambda shown: shown.expired), tls=True),
        Fault("a silent handshake", silent, tls=True, waits=True),
        Fault("a handshake at a byte a second", slow_handshake, tls=True, waits=True),
        Fault("closed within the handshake", cut_in_handshake, tls=True),
        Fault("plain HTTP", plain_over_tls, tls=True),
        Fault("closed within the body", showing(lambda shown: shown.right, cut(body=0.5)), STORED, tls=True),
        Fault(
            "closed within a body of no length",
            showing(lambda shown: shown.right, altering(headers({"content-length": None}), body(but_its_end))),
            STORED,
            tls=True,
        ),
    ),
    "frame": (
        Fault("garbage", saying(b"\0\xff\r\n\r\ngarbage")),
        Fault("another protocol", saying(b"SSH-2.0-OpenSSH_9.9\r\n")),
        Fault("a page without a head", saying(PAGE)),
        Fault("HTTP/1.0", altering(version("HTTP/1.0")), HARMLESS),
        Fault("no length", altering(headers({"content-length": None})), HARMLESS),
        Fault("a chunk", altering(in_chunks()), HARMLESS),
        Fault("a chunk without an end", altering(in_chunks(end=b""))),
        Fault("a chunk whose size is no number", altering(in_chunks("size")), STORED),
        Fault("less than the length", altering(body(but_its_end)), STORED),
        Fault("more than the length", altering(length(lambda right: max(0, right - 100))), STORED),
        Fault("a negative length", altering(length(lambda right: -right - 1)), STORED),
        Fault("a length in words", altering(length(lambda right: "many")), STORED),
        Fault(
            "a length of 99 GB",
            altering(length(lambda right: 99 * 10**9)),
            Seen(INVALID, INVALID, "response-too-large", ANSWERED),
        ),
        Fault("two lengths", altering(length(lambda right: f"{right}\r\ncontent-length: {right + 1}"))),
    ),
    "status": (
        Fault("204", answering("204 No Content")),
        Fault("206", altering(partial), STORED),
        Fault("304", saying(b"HTTP/1.1 304 Not Modified\r\n\r\n"), Seen(reload=KEPT)),
        Fault("400 ExpiredToken", refusing("400 Bad Request", "ExpiredToken")),
        Fault(
            "400 AuthorizationHeaderMalformed for another region",
            until_signed_for(
                REGION,
                refusing("400 Bad Request", "AuthorizationHeaderMalformed", f"<Region>{REGION}</Region>", OF_REGION),
            ),
            HARMLESS,
        ),
        Fault("403 AccessDenied", refusing("403 Forbidden", "AccessDenied")),
        Fault("403 RequestTimeTooSkewed", refusing("403 Forbidden", "RequestTimeTooSkewed")),
        Fault("404 NoSuchKey", refusing("404 Not Found", "NoSuchKey"), NOTHING_THERE),
        Fault("404 NoSuchBucket", refusing("404 Not Found", "NoSuchBucket"), NOTHING_THERE),
        Fault("404 that is not S3's", answering("404 Not Found", PAGE, HTML)),
        Fault("429", answering("429 Too Many Requests")),
        Fault("500 InternalError", refusing("500 Internal Server Error", "InternalError")),
        Fault("502 in HTML", answering("502 Bad Gateway", PAGE, HTML)),
        Fault("503 SlowDown", refusing("503 Slow Down", "SlowDown")),
    ),
    "redirect": (
        Fault(
            "301 for another region",
            until_signed_for(REGION, redirecting("301 Moved Permanently", told=OF_REGION)),
            HARMLESS,
        ),
        Fault(
            "307 for another region",
            until_signed_for(REGION, redirecting("307 Temporary Redirect", told=OF_REGION)),
            HARMLESS,
        ),
        Fault("301 for another region each time", redirecting("301 Moved Permanently", told=OF_REGION)),
        Fault("301 to itself", redirecting("301 Moved Permanently")),
        Fault("307 to itself", redirecting("307 Temporary Redirect")),
        Fault("301 to where nobody listens", redirecting("301 Moved Permanently", 1)),
        Fault("301 to nowhere", answering("301 Moved Permanently")),
    ),
    "content": (
        Fault("a corrupted byte", altering(body(corrupted)), STORED),
        Fault(
            "a corrupted byte without a checksum",
            altering(body(corrupted), headers(NO_CHECKSUM)),
            Seen(INVALID, INVALID, ALTERED, ANSWERED),
        ),
        Fault("a checksum that is no base64", altering(headers({CHECKSUM: "e!"})), STORED),
        Fault("a checksum of other bytes", altering(headers({CHECKSUM: OF_NOTHING})), STORED),
        Fault("200 without a body", answering("200 OK")),
        Fault("200 with a page", answering("200 OK", PAGE, HTML)),
        Fault("a compressed body", altering(compressed), STORED),
    ),
}
"""By what it is of S3 that fails."""
