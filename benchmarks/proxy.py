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
QUIET_SECONDS = 5.0
"""How long the server may send nothing before a client that has ended its requests, and may be gone, is taken for gone:
a close looks as half a close does, and the emulator, for one, ends no connection because its client has."""

type Late = asyncio.Queue[tuple[float, bytes]]
"""What the server sent, and when it is due at the client, in the loop's time; no bytes at its end."""
type Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


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
    # A connection's task is held here: the loop holds tasks weakly, and asyncio lets go of one that it made itself when
    # the client's transport is lost, however much that task still waits for. Garbage then ends it in mid-step.
    connections: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = loop.create_task(_connect(reader, writer, upstream, seconds))
        connections.add(task)
        task.add_done_callback(connections.discard)

    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    listening.set_result((server.sockets[0].getsockname()[1], loop, stop))
    await stop.wait()
    loop.remove_reader(server.sockets[0])
    await asyncio.sleep(0)  # what was accepted just now gets its transport, which a closed server would not give it
    server.close()
    server.abort_clients()
    await server.wait_closed()
    await _cancel(connections)


async def _connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upstream: int, seconds: float) -> None:
    """Pass on what either side of a connection sends until the server ends it or the client is gone."""
    with closing(writer), suppress(OSError):
        answers, requests = await asyncio.open_connection("127.0.0.1", upstream)
        with closing(requests):
            await _pass_on((reader, writer), (answers, requests), seconds)


async def _pass_on(client: Streams, server: Streams, seconds: float) -> None:
    late: Late = asyncio.Queue()
    receiving = asyncio.create_task(_receive(server[0], late, seconds))
    ends = [asyncio.create_task(_send(*client, server[1])), asyncio.create_task(_deliver(late, *client))]
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:  # the proxy stops: what the server has not read yet is not waited for
        server[1].transport.abort()
        raise
    finally:
        await _cancel({receiving, *ends})


async def _cancel(tasks: set[asyncio.Task[None]]) -> None:
    """Cancel the tasks, and return when they have ended; raise what ended one before."""
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    for error in ended:
        if isinstance(error, Exception):
            raise error


async def _send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, requests: asyncio.StreamWriter) -> None:
    """Pass on what the client sends, and that it sends no more; return when it is gone, by its own doing or not."""
    with suppress(OSError):
        while data := await reader.read(CHUNK):
            requests.write(data)
            await requests.drain()
        requests.write_eof()
    with suppress(OSError):
        await writer.wait_closed()


async def _receive(reader: asyncio.StreamReader, late: Late, seconds: float) -> None:
    """Put what the server sends into the queue as it comes; its end, too, if it is an error."""
    data = b"-"
    while data:
        try:
            data = await reader.read(CHUNK)
        except OSError:
            data = b""
        late.put_nowait((asyncio.get_running_loop().time() + seconds, data))


async def _deliver(late: Late, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send the client what the queue has, when it is due; return at the server's end, or when the client is gone."""
    with suppress(OSError):
        due, data = await _next(late, reader)
        while data:
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            writer.write(data)
            await writer.drain()
            due, data = await _next(late, reader)


async def _next(late: Late, client: asyncio.StreamReader) -> tuple[float, bytes]:
    """Return what is to be sent next; no bytes, too, where the client has ended and the server is quiet."""
    while True:
        try:
            async with asyncio.timeout(QUIET_SECONDS):
                return await late.get()
        except TimeoutError:
            if client.at_eof():
                return 0.0, b""
