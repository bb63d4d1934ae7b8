#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fetch gets 1,000 files of 0 byte to 8 MiB from a real nginx, each the same;
and some of them over TLS, where the certificate must be the right one.

    fetch_nginx.py FETCH [OPENSSL]
"""

import hashlib
import os
import pathlib
import random
import subprocess
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).parent.parent / "peers"))
from helpers import find, free_port, running, wait_for  # noqa: E402

FILES = 1000
CONFIG = """
daemon off;
{user}
pid {root}/nginx.pid;
error_log {root}/error.log;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {root}/t1; proxy_temp_path {root}/t2;
    fastcgi_temp_path {root}/t3; uwsgi_temp_path {root}/t4;
    scgi_temp_path {root}/t5;
    keepalive_requests 40;
    server {{
        listen 127.0.0.1:{port};
        root {root}/www;
    }}
    {secure}
}}
"""
SECURE = """
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {root}/cert.pem;
        ssl_certificate_key {root}/key.pem;
        root {root}/www;
        location /plain/ {{ return 302 http://127.0.0.1:{plain}/files/0000.bin; }}
    }}
"""


def sizes(rng):
    """0 to 8 MiB, most of them small, the corners included."""
    yield from (0, 1, 65535, 65536, 65537, 8 * 1024 * 1024)
    for _ in range(FILES - 6):
        yield int(2 ** rng.uniform(0, 17 if rng.random() < 0.97 else 23))


def make_files(directory):
    rng = random.Random(1)
    block = rng.randbytes(1 << 20)
    sums = {}
    directory.mkdir(parents=True)
    for number, size in enumerate(sizes(rng)):
        start = rng.randrange(len(block) // 2)
        data = block[start:start + size]
        while len(data) < size:
            data += block[:size - len(data)]
        name = f"{number:04d}.bin"
        (directory / name).write_bytes(data)
        sums[name] = hashlib.sha256(data).hexdigest()
    return sums


def compare(got, sums):
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest()
             for path in got.iterdir()}
    if found != sums:
        wrong = [name for name in sums if found.get(name) != sums[name]]
        raise SystemExit(f"{len(wrong)} files differ: {wrong[:5]}, "
                         f"{len(found)} files there")


def make_certificate(openssl, root):
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
         "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
         root / "key.pem", "-out", root / "cert.pem"],
        check=True, capture_output=True)


def fetch_securely(root, port, sums):
    """Trusted by --cacert, by --insecure, and not otherwise."""
    base = f"https://127.0.0.1:{port}"
    some = dict(list(sums.items())[:100])
    for number, option in enumerate((["--cacert", root / "cert.pem"], ["-k"])):
        got = root / f"secure{number}"
        done = subprocess.run(
            [sys.argv[1], "-c", "8", "-o", got, *option, "-"], text=True,
            input="\n".join(f"{base}/files/{name}" for name in some),
            capture_output=True, timeout=100)
        if done.returncode != 0:
            raise SystemExit(f"over TLS: {done.stdout}{done.stderr}")
        compare(got / f"127.0.0.1:{port}" / "files", some)
    done = subprocess.run([sys.argv[1], "-k", f"{base}/plain/"], text=True,
                          capture_output=True, timeout=60)
    if done.returncode != 0:
        raise SystemExit(f"a redirect: {done.stdout}{done.stderr}")
    done = subprocess.run([sys.argv[1], f"{base}/files/0001.bin"], text=True,
                          capture_output=True, timeout=60)
    if done.returncode != 1 or "certificate" not in done.stdout \
            or "0 retries" not in done.stdout:
        raise SystemExit(f"a stranger was trusted: {done.stdout}{done.stderr}")


def fetch(root, port, sums):
    urls = "\n".join(f"http://127.0.0.1:{port}/files/{name}" for name in sums)
    done = subprocess.run(
        [sys.argv[1], "-c", "16", "-o", root / "got", "-"], input=urls,
        text=True, capture_output=True, timeout=200)
    print(*done.stdout.splitlines()[-9:], done.stderr, sep="\n")
    if done.returncode != 0:
        raise SystemExit(f"fetch ended with {done.returncode}")
    compare(root / "got" / f"127.0.0.1:{port}" / "files", sums)


def main():
    nginx = find("nginx", "nginx-light")
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        root.chmod(0o755)
        sums = make_files(root / "www" / "files")
        port = free_port()
        config = root / "nginx.conf"
        user = "user root;" if os.geteuid() == 0 else ""
        secure, secure_port = "", 0
        if len(sys.argv) > 2:
            make_certificate(sys.argv[2], root)
            secure_port = free_port()
            secure = SECURE.format(root=root, port=secure_port, plain=port)
        config.write_text(CONFIG.format(root=root, port=port, user=user,
                                        secure=secure))
        with running(nginx, "-c", config, "-p", root,
                     stderr=subprocess.DEVNULL) as server:
            wait_for(port, server, "nginx")
            fetch(root, port, sums)
            if secure:
                fetch_securely(root, secure_port, sums)


if __name__ == "__main__":
    main()
