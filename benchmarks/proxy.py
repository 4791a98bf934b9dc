"""A network of a given latency, on loopback: a TCP proxy that passes on what a server answers, but later."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import trustme

CHUNK = 65_536

type Late = asyncio.Queue[tuple[float, bytes]]
"""What the server sent, and when it is due at the client, in the loop's time; no bytes at its end."""


def certificate(authority_file: Path) -> ssl.SSLContext:
    """Return a certificate for 127.0.0.1; the authority that vouches for it is written to `authority_file`, as PEM."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(authority_file))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@contextmanager
def latency(upstream: int, seconds: float, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Listen on a free port of 127.0.0.1 in front of the port `upstream` while the context lasts; yield the port.

    Every byte that the server answers arrives `seconds` after it was sent, however many pieces it comes in. What the
    client sends, and the connection itself, take no longer than without. With `tls` the client is spoken to over TLS.
    """
    listening: Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(upstream, seconds, tls, listening)), daemon=True)
    thread.start()
    port, loop, stop = listening.result(timeout=10)
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


async def _serve(
    upstream: int,
    seconds: float,
    tls: ssl.SSLContext | None,
    listening: Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]],
) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(ConnectionError, ssl.SSLError):
            await _connect(reader, writer, upstream, seconds)

    stop = asyncio.Event()
    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    listening.set_result((server.sockets[0].getsockname()[1], asyncio.get_running_loop(), stop))
    await stop.wait()
    await asyncio.sleep(0.1)  # for those that connect just now
    server.close()
    server.abort_clients()
    await server.wait_closed()


async def _connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upstream: int, seconds: float) -> None:
    """Pass on what either side of a connection sends until the server ends it."""
    answers, requests = await asyncio.open_connection("127.0.0.1", upstream)
    late: Late = asyncio.Queue()
    tasks = [asyncio.create_task(_send(reader, requests)), asyncio.create_task(_receive(answers, late, seconds))]
    with closing(requests):
        try:
            await _deliver(late, writer)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


async def _receive(reader: asyncio.StreamReader, late: Late, seconds: float) -> None:
    """Put what the server sends into the queue as it comes; its end, too, if it is an error."""
    data = b"-"
    while data:
        try:
            data = await reader.read(CHUNK)
        except ConnectionError:
            data = b""
        late.put_nowait((asyncio.get_running_loop().time() + seconds, data))


async def _deliver(late: Late, writer: asyncio.StreamWriter) -> None:
    due, data = await late.get()
    while data:
        await asyncio.sleep(due - asyncio.get_running_loop().time())
        writer.write(data)
        await writer.drain()
        due, data = await late.get()
