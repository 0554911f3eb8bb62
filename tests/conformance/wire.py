"""A cable that can be cut: everything between a connector and its network goes through it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Wire:
    """Passes bytes both ways between its own port and another. Its port stays the same however often it is opened."""

    def __init__(self, port: int) -> None:
        """`port` is where the network listens."""
        self.port = 0
        self._far = port
        self._server: asyncio.Server | None = None
        self._near: set[asyncio.StreamWriter] = set()
        self._passing: set[asyncio.Task[None]] = set()
        self._garble = b""

    async def open(self) -> None:
        """Take connections."""
        if self._server is None:
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Break all connections and take no more."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()
        if self._passing:
            await asyncio.wait(self._passing)

    def cut(self) -> None:
        """Break all connections."""
        for writer in self._near:
            writer.transport.abort()

    def garble(self, data: bytes) -> None:
        """Say this to the connector instead of what the network says next."""
        self._garble = data

    def say(self, data: bytes) -> None:
        """Say this to the connector at once, on all connections."""
        for writer in self._near:
            writer.write(data)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        self._near.add(writer)
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._far)
            try:
                await asyncio.gather(_pass(reader, far_writer), self._answer(far_reader, writer))
            finally:
                far_writer.transport.abort()
        finally:
            self._near.discard(writer)
            self._passing.discard(task)
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if self._garble:
                    data, self._garble = self._garble, b""
                writer.write(data)
                await writer.drain()
        writer.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def wire_to(port: int) -> AsyncIterator[Wire]:
    """An open wire to a port of this machine."""
    wire = Wire(port)
    await wire.open()
    try:
        yield wire
    finally:
        await wire.shut()
