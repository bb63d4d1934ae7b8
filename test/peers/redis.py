#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run a program that talks to redis beside a redis-server of its own.

    redis.py PROGRAM
"""

import os
import subprocess
import sys
import tempfile

from helpers import find, free_port, running, wait_for


def main():
    server = find("redis-server", "redis-server")
    port = free_port()
    with tempfile.TemporaryDirectory() as root:
        with running(server, "--port", port, "--bind", "127.0.0.1",
                     "--save", "", "--appendonly", "no", "--dir", root,
                     "--logfile", os.path.join(root, "log")) as process:
            wait_for(port, process, "redis-server")
            done = subprocess.run([sys.argv[1]], check=False, env={
                **os.environ, "REDIS_PORT": str(port)})
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
