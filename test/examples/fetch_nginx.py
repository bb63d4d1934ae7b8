#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fetch gets 1,000 files of 0 byte to 8 MiB from a real nginx, each the same.

    fetch_nginx.py FETCH
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
        config.write_text(CONFIG.format(root=root, port=port, user=user))
        with running(nginx, "-c", config, "-p", root,
                     stderr=subprocess.DEVNULL) as server:
            wait_for(port, server, "nginx")
            fetch(root, port, sums)


if __name__ == "__main__":
    main()
