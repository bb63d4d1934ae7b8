#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""TLS between this library, Python's ssl and the openssl program, both ways.

    live.py TLS_PEER OPENSSL CERTIFICATES
"""

import pathlib
import socket
import ssl
import subprocess
import sys
import threading
import time

PEER, OPENSSL, WHERE = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
SERVER, AUTHORITY = WHERE / "server.pem", WHERE / "ca.crt"
LINES = "".join(f"line {i} {'x' * (i * 37 % 3000)}\n" for i in range(50))


def check(name, got, wanted):
    print("ok" if got == wanted else "FAILED", name)
    if got != wanted:
        print(f"  {got[:200]!r} instead of {wanted[:200]!r}")
        sys.exit(1)


def call(port):
    done = subprocess.run([PEER, "call", str(port), str(AUTHORITY)],
                          input=LINES, capture_output=True, text=True,
                          timeout=60)
    return done.stdout if done.returncode == 0 else done.stderr


def python_serves(version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(SERVER)
    context.minimum_version = context.maximum_version = version
    listening = socket.create_server(("127.0.0.1", 0))

    def echo():
        with context.wrap_socket(listening.accept()[0], server_side=True) as s:
            while data := s.recv(65536):
                s.sendall(data)
            s.unwrap().close()

    thread = threading.Thread(target=echo, daemon=True)
    thread.start()
    check(f"Python serves, {version.name}",
          call(listening.getsockname()[1]), LINES)
    thread.join()
    listening.close()


def python_calls(port, version):
    context = ssl.create_default_context(cafile=AUTHORITY)
    context.minimum_version = context.maximum_version = version
    data = LINES.encode() * 100
    got = b""
    with socket.create_connection(("127.0.0.1", port)) as plain, \
            context.wrap_socket(plain, server_hostname="server.test") as s:
        sender = threading.Thread(target=s.sendall, args=(data,),
                                  daemon=True)
        sender.start()
        while len(got) < len(data):
            got += s.recv(65536)
        sender.join()
        s.unwrap()
    check(f"Python calls, {version.name}", got, data)


def openssl_serves(*args):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [OPENSSL, "s_server", "-accept", f"127.0.0.1:{port}", "-cert",
         str(SERVER), "-key", str(SERVER), "-rev", "-quiet", *args],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.05)
        reversed_lines = "".join(line[::-1] + "\n"
                                 for line in LINES.splitlines())
        check(f"openssl serves {' '.join(args)}", call(port), reversed_lines)
    finally:
        server.kill()
        server.wait()


def openssl_calls(port, *args):
    client = subprocess.Popen(
        [OPENSSL, "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile",
         str(AUTHORITY), "-verify_return_error", "-verify_ip", "127.0.0.1",
         "-quiet", *args],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True)
    got = ""
    for line in LINES.splitlines(keepends=True):
        client.stdin.write(line)
        client.stdin.flush()
        got += client.stdout.readline()
    client.stdin.close()
    client.terminate()
    client.wait()
    check(f"openssl calls {' '.join(args)}", got, LINES)


def main():
    for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
        python_serves(version)
    for args in [], ["-tls1_2"]:
        openssl_serves(*args)
    server = subprocess.Popen([PEER, "serve", str(SERVER)], text=True,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
    try:
        port = int(server.stdout.readline())
        for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
            python_calls(port, version)
        for args in [], ["-tls1_2"]:
            openssl_calls(port, *args)
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
