#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""peer.c in Python's asyncio: both ends of an echo conversation.

    peer.py serve streams|protocols PATH
    peer.py connect streams|protocols PLACE [SENT GOT]...
"""

import asyncio
import pathlib
import signal
import sys


async def echo(reader, writer):
    total = 0
    while data := await reader.read(100000):
        total += len(data)
        writer.write(data)
        await writer.drain()
    writer.write(b"END %d\n" % total)
    writer.close()
    await writer.wait_closed()


class Echo(asyncio.Protocol):
    total = 0

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.total += len(data)
        self.transport.write(data)

    def eof_received(self):
        self.transport.write(b"END %d\n" % self.total)

    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()


async def serve(kind, path):
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, done.set)
    if kind == "streams":
        servers = (await asyncio.start_server(echo, "127.0.0.1", 0),
                   await asyncio.start_unix_server(echo, path))
    else:
        servers = (await loop.create_server(Echo, "127.0.0.1", 0),
                   await loop.create_unix_server(Echo, path))
    print(servers[0].sockets[0].getsockname()[1], flush=True)
    await done.wait()
    for server in servers:
        server.close()


async def talk_streams(path, port, data):
    if path:
        reader, writer = await asyncio.open_unix_connection(path)
    else:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def send():
        for start in range(0, len(data), 70001):
            writer.write(data[start:start + 70001])
            await writer.drain()
        writer.write_eof()

    sender = asyncio.create_task(send())
    got = await reader.read()
    await sender
    writer.close()
    await writer.wait_closed()
    return got


class Client(asyncio.BufferedProtocol):
    def __init__(self, data):
        self.data = memoryview(data)
        self.sent = 0
        self.buffer = bytearray(5000)
        self.got = bytearray()
        self.paused = False
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        self.pump()

    def pump(self):
        while not self.paused and self.sent < len(self.data):
            piece = self.data[self.sent:self.sent + 70001]
            self.sent += len(piece)
            self.transport.write(piece)
        if not self.paused:
            self.transport.write_eof()

    def pause_writing(self):
        self.paused = True

    def resume_writing(self):
        self.paused = False
        self.pump()

    def get_buffer(self, sizehint):
        return self.buffer

    def buffer_updated(self, nbytes):
        self.got += self.buffer[:nbytes]

    def connection_lost(self, exc):
        if exc is None:
            self.lost.set_result(self.got)
        else:
            self.lost.set_exception(exc)


async def talk_protocols(path, port, data):
    loop = asyncio.get_running_loop()
    if path:
        _, client = await loop.create_unix_connection(
            lambda: Client(data), path)
    else:
        _, client = await loop.create_connection(
            lambda: Client(data), "127.0.0.1", port)
    return await client.lost


async def connect(kind, place, *files):
    family, where = place.split(":", 1)
    path, port = (where, 0) if family == "unix" else (None, int(where))
    talk = talk_streams if kind == "streams" else talk_protocols
    for sent, got in zip(files[::2], files[1::2]):
        data = pathlib.Path(sent).read_bytes()
        pathlib.Path(got).write_bytes(await talk(path, port, data))


if __name__ == "__main__":
    asyncio.run({"serve": serve, "connect": connect}[sys.argv[1]](
        *sys.argv[2:]))
