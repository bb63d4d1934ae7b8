# SPDX-License-Identifier: MIT
"""Echo servers and an HTTP client of asyncio."""

import asyncio

import bench as harness
from bench import Case

AT_ONCE = 1000
KEEPALIVE = b'GET / HTTP/1.1\r\nHost: bench\r\n\r\n'
CLOSE = b'GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n'


async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


async def serve(server):
    print('port', server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def serve_streams(bench):
    await serve(await asyncio.start_server(echo, '127.0.0.1', 0, backlog=1024))


async def serve_protocol(bench):
    loop = asyncio.get_running_loop()
    await serve(await loop.create_server(Echo, '127.0.0.1', 0, backlog=1024))


async def get_once(reader, writer, request):
    writer.write(request)
    head = await reader.readuntil(b'\r\n\r\n')
    length = head.split(b'Content-Length: ')[1].split(b'\r\n')[0]
    await reader.readexactly(int(length))


async def client(port, requests, keepalive):
    writer = None
    for _ in range(requests):
        if writer is None:
            reader, writer = await asyncio.open_connection('127.0.0.1', port)
        await get_once(reader, writer, KEEPALIVE if keepalive else CLOSE)
        if not keepalive:
            writer.close()
            writer = None
    if writer is not None:
        writer.close()


async def get(bench):
    port = harness.http_port()
    bench.start()
    await asyncio.gather(*(client(port, bench.n // AT_ONCE, bench.arg)
                           for _ in range(AT_ONCE)))
    bench.stop()


CASES = [
    Case('serve/echo-streams', serve_streams),
    Case('serve/echo-protocol', serve_protocol),
    Case('http/keepalive', get, True, n=20_000, unit='us', macro=True,
         by='cpu'),
    Case('http/new', get, False, n=10_000, unit='us', macro=True, by='cpu'),
]
