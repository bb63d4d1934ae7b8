# SPDX-License-Identifier: MIT
"""What the tests with real programs share: find them, start them on a free
port of this machine, wait until they answer, stop them by their process id.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time

PATHS = "/usr/sbin:/usr/local/sbin:" + os.environ.get("PATH", os.defpath)


def find(program, package):
    """The path of a program, or the end of the test as one that is skipped."""
    found = shutil.which(program, path=PATHS)
    if found is None:
        print(f"skipped: there is no {program} here: "
              f"apt-get install {package}")
        sys.exit(77)
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(ready, process, name, seconds=30):
    """Wait until ready() is true, as long as the process lives."""
    end = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None:
            sys.exit(f"{name} did not start: status {process.returncode}")
        if time.monotonic() > end:
            sys.exit(f"{name} does not answer")
        time.sleep(0.02)


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def wait_for(port, process, name):
    """Wait until a program listens on a port."""
    wait_until(lambda: answers(port), process, name)


@contextlib.contextmanager
def running(*command, **keywords):
    """A program that runs as long as the block, and ends when it is told."""
    process = subprocess.Popen([str(part) for part in command], **keywords)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
