"""The way from the functions to S3: a TCP proxy on loopback, which fails when it is told to."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from enum import Enum

from scripts.emulator import free_port

CHUNK = 65_536
BEFORE_A_RESET = 2_000
"""How many bytes of an answer arrive before its connection is reset: the headers, and some of a model file."""
RESETTING = struct.pack("ii", 1, 0)
"""With this as its option SO_LINGER, a socket ends by a reset."""


class Fault(Enum):
    """How connections to S3 fail."""

    NONE = "not at all"
    REFUSED = "none is taken"
    RESET = "each is reset amid the answer"
    HANGING = "each is taken, and nothing is answered"


class Network:
    """The proxy in front of the port `upstream`; clients connect to `port`."""

    def __init__(self, upstream: int) -> None:
        self.port = free_port()
        self._upstream = upstream
        self._fault = Fault.NONE
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()  # the loop holds tasks weakly

    def fail(self, fault: Fault) -> None:
        """Fail as `fault` says from now on; the connections that are open end."""
        asyncio.run_coroutine_threadsafe(self._fail(fault), self._loop).result(timeout=10)

    def run(self) -> None:
        """Serve until `stop`."""
        self._loop.run_forever()
        self._loop.close()

    def stop(self) -> None:
        """End all connections, and `run`."""
        self.fail(Fault.REFUSED)
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _fail(self, fault: Fault) -> None:
        self._fault = fault
        if fault is Fault.REFUSED and self._server is not None:
            self._server.close()
            self._server = None
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        # not at once after its end: processes that are started then have the socket that listened for a moment
        if fault is not Fault.REFUSED and self._server is None:
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._serve(reader, writer, self._fault))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault) -> None:
        with closing(writer), suppress(OSError):
            if fault is Fault.HANGING:
                while await reader.read(CHUNK):
                    pass
                return
            answers, requests = await asyncio.open_connection("127.0.0.1", self._upstream)
            with closing(requests):
                most = BEFORE_A_RESET if fault is Fault.RESET else None
                ways = (_pass_on(reader, requests), _pass_on(answers, writer, most))
                ends = [asyncio.create_task(way) for way in ways]
                try:
                    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for end in ends:
                        end.cancel()
                    await asyncio.gather(*ends, return_exceptions=True)
            if fault is Fault.RESET:
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESETTING)
                writer.transport.abort()


@contextmanager
def network(upstream: int) -> Iterator[Network]:
    """Serve in a thread, in front of the port `upstream`, while the context lasts."""
    served = Network(upstream)
    thread = threading.Thread(target=served.run)
    thread.start()
    try:
        served.fail(Fault.NONE)
        yield served
    finally:
        served.stop()
        thread.join()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int | None = None) -> None:
    """Pass on what comes, until its end, or until `most` bytes came."""
    passed = 0
    while data := await reader.read(CHUNK):
        data = data if most is None else data[: most - passed]
        passed += len(data)
        writer.write(data)
        await writer.drain()
        if passed == most:
            return
