# SPDX-License-Identifier: MIT
"""Run a script on a virtual clock: Python's side of virtual.c.

    virtual.py [--times] SCRIPT
"""

import asyncio
import runpy
import selectors
import sys


class Jump(selectors.DefaultSelector):
    """Does not wait: moves the clock instead."""

    now = 0.0

    def select(self, timeout=None):
        if timeout is not None and timeout > 0:
            Jump.now += timeout
            timeout = 0
        return super().select(timeout)


class Loop(asyncio.SelectorEventLoop):
    def __init__(self):
        super().__init__(Jump())
        Jump.now = 0.0

    def time(self):
        return Jump.now


class Policy(asyncio.DefaultEventLoopPolicy):
    _loop_factory = Loop


class Times:
    """Standard output with the time before each line."""

    def __init__(self, out):
        self.out = out
        self.begins = True

    def write(self, text):
        for line in text.splitlines(keepends=True):
            if self.begins:
                loop = asyncio._get_running_loop()
                self.out.write(f"{loop.time():.3f} " if loop else "- ")
            self.out.write(line)
            self.begins = line.endswith("\n")

    def flush(self):
        self.out.flush()


def main():
    asyncio.set_event_loop_policy(Policy())
    if sys.argv[1] == "--times":
        sys.stdout = Times(sys.stdout)
    runpy.run_path(sys.argv[-1], run_name="__main__")


if __name__ == "__main__":
    main()
