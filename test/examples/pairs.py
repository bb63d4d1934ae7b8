#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An example in C and its Python twin write the same bytes at the same times.

Both run on virtual clocks: once as they are, and once with the time of the
loop before each line.

    pairs.py PROGRAM SCRIPT [LAST_TIME]
"""

import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent


def output(*command):
    done = subprocess.run(command, capture_output=True, timeout=30)
    if done.returncode != 0:
        sys.exit(f"{command} ended with {done.returncode}: {done.stderr!r}")
    return done.stdout


def main():
    program, script = sys.argv[1:3]
    python = [sys.executable, HERE / "virtual.py"]
    for options in [], ["--times"]:
        c = output(program, *options)
        twin = output(*python, *options, script)
        sys.stdout.write(c.decode())
        if c != twin:
            sys.exit(f"C wrote {c!r},\npython3 wrote {twin!r}")
    times = [line.split()[0] for line in c.decode().splitlines()]
    last = [time for time in times if time != "-"][-1]
    if sys.argv[3:] and last != sys.argv[3]:
        sys.exit(f"the last line came at {last} and not at {sys.argv[3]}")


if __name__ == "__main__":
    main()
