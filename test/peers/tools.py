#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""socat and nc as the other end: Unix streams, Unix datagrams, UDP; as client
of our servers, and (socat) as server of our clients.

    tools.py PEER
"""

import contextlib
import hashlib
import pathlib
import random
import stat
import subprocess
import sys
import tempfile

from helpers import find, free_port, running, wait_until

PEER = sys.argv[1]
SOCAT = find("socat", "socat")
NC = find("nc", "netcat-openbsd")
SIZES = (0, 1, 64 * 1024, 8 * 1024 * 1024)
PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}


def data_of(size):
    return random.Random(size).randbytes(size)


def same(got, wanted, what):
    if hashlib.sha256(got).digest() != hashlib.sha256(wanted).digest():
        raise AssertionError(
            f"{what}: {len(got)} bytes came back, not {len(wanted)}")


@contextlib.contextmanager
def our_server(kind, root):
    """Its port and its path."""
    path = root / "ours"
    with running(PEER, "serve", kind, path,
                 stdout=subprocess.PIPE, text=True) as server:
        yield server.stdout.readline().strip(), path
    if server.returncode != 0:
        raise AssertionError(f"our server ended with {server.returncode}")


def to_our_server(root, command, kind, place):
    """A client that sends its input, and all that it prints."""
    with our_server(kind, root) as (port, path):
        where = {"tcp": port, "unix": str(path)}[place]
        for size in SIZES:
            data = data_of(size)
            done = subprocess.run(
                [part.replace("@", where) for part in command],
                input=data, stdout=subprocess.PIPE, timeout=60, check=True)
            same(done.stdout, data + b"END %d\n" % size, f"{size} bytes")


def datagrams_to_our_server(root, command, place):
    """A client that sends each input as a datagram, and prints the echo."""
    with our_server("datagrams", root) as (port, path):
        where = {"udp": port, "unix": str(path)}[place]
        for size in (1, 100, 1400, 4000):
            data = data_of(size)
            with running(*(part.replace("@", where) for part in command),
                         **PIPES) as client:
                client.stdin.write(data)
                client.stdin.flush()
                same(client.stdout.read(size), data, f"{size} bytes")


def our_client(root, kind, place, files=()):
    pairs = [str(name) for sent in files
             for name in (sent, sent.with_suffix(".got"))]
    subprocess.run([PEER, "connect", kind, place, *pairs], timeout=60,
                   check=True)
    for sent in files:
        same(sent.with_suffix(".got").read_bytes(), sent.read_bytes(),
             sent.name)


def is_socket(path):
    return path.exists() and stat.S_ISSOCK(path.stat().st_mode)


def streams_to_socat(root, kind):
    """socat with cat behind it as an echo server."""
    files, path = [], root / "theirs"
    for size in SIZES:
        files.append(root / f"{size}.sent")
        files[-1].write_bytes(data_of(size))
    with running(SOCAT, f"UNIX-LISTEN:{path},fork", "EXEC:cat") as server:
        wait_until(lambda: is_socket(path), server, "socat")
        our_client(root, kind, f"unix:{path}", files)


def unix_datagrams_to_socat(root):
    path = root / "theirs"
    with running(SOCAT, f"UNIX-RECVFROM:{path},fork", "PIPE") as server:
        wait_until(lambda: is_socket(path), server, "socat")
        our_client(root, "datagrams", f"unix:{path}")


def udp_to_socat(root):
    port = free_port()
    bound = f"0100007F:{port:04X}"
    with running(SOCAT, f"UDP4-RECVFROM:{port},bind=127.0.0.1,fork",
                 "PIPE") as server:
        wait_until(lambda: bound in pathlib.Path("/proc/net/udp").read_text(),
                   server, "socat")
        our_client(root, "datagrams", f"udp:{port}")


TESTS = {
    "nc, Unix stream, to our streams": lambda root: to_our_server(
        root, [NC, "-N", "-U", "@"], "streams", "unix"),
    "nc, TCP, to our protocols": lambda root: to_our_server(
        root, [NC, "-N", "127.0.0.1", "@"], "protocols", "tcp"),
    "socat, Unix stream, to our protocols": lambda root: to_our_server(
        root, [SOCAT, "-t30", "-", "UNIX-CONNECT:@"], "protocols", "unix"),
    "socat, TCP, to our streams": lambda root: to_our_server(
        root, [SOCAT, "-t30", "-", "TCP4:127.0.0.1:@"], "streams", "tcp"),
    "our streams, Unix, to socat": lambda root: streams_to_socat(
        root, "streams"),
    "our protocols, Unix, to socat": lambda root: streams_to_socat(
        root, "protocols"),
    "nc, UDP, to our datagrams": lambda root: datagrams_to_our_server(
        root, [NC, "-u", "127.0.0.1", "@"], "udp"),
    "socat, UDP, to our datagrams": lambda root: datagrams_to_our_server(
        root, [SOCAT, "-", "UDP4:127.0.0.1:@"], "udp"),
    "socat, Unix datagrams, to ours": lambda root: datagrams_to_our_server(
        root, [SOCAT, "-", f"UNIX-SENDTO:@,bind={root}/them"], "unix"),
    "our Unix datagrams to socat": unix_datagrams_to_socat,
    "our UDP to socat": udp_to_socat,
}


def main():
    failed = 0
    print(f"1..{len(TESTS)}")
    for number, (name, test) in enumerate(TESTS.items(), 1):
        with tempfile.TemporaryDirectory() as root:
            try:
                test(pathlib.Path(root))
                print(f"ok {number} - {name}", flush=True)
            except (AssertionError, subprocess.SubprocessError) as error:
                failed += 1
                print(f"not ok {number} - {name}\n# {error}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
