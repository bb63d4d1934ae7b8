# SPDX-License-Identifier: MIT
"""Both sides as processes: the oracle under node, the library's program.

The oracle needs the npm package "pyodide". It is looked for in the directory
given (or in $DIFFERENTIAL_PYODIDE), and installed there when it is not found.
"""

import os
import subprocess
import sys
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
PYODIDE = "pyodide@314.0.7"


def pyodide(prefix):
    """The directory of the package under prefix; installs it if need be."""
    given = os.environ.get("DIFFERENTIAL_PYODIDE")
    if given:
        return given
    path = os.path.join(prefix, "node_modules", "pyodide")
    if not os.path.exists(os.path.join(path, "pyodide.mjs")):
        os.makedirs(prefix, exist_ok=True)
        subprocess.run(["npm", "install", "--silent", "--no-audit",
                        "--no-fund", "--prefix", prefix, PYODIDE], check=True)
    return path


def oracle_command(prefix, *args):
    return ["node", os.path.join(HERE, "oracle.mjs"), pyodide(prefix),
            "oracle.py", *map(str, args)]


def generate_command(first, count):
    return [sys.executable, os.path.join(HERE, "generate.py"),
            str(first), str(count)]


def crc(text):
    return f"{zlib.crc32(text.encode()):08x}"


class Oracle:
    """One process that answers program after program."""

    def __init__(self, prefix):
        self.process = subprocess.Popen(
            oracle_command(prefix, "-"), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def trace(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line == ".\n":
                return "".join(lines[1:])
            lines.append(line)
        raise RuntimeError("the oracle has died")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def library_trace(program, text, timeout=20):
    """The trace of the library's program; says so when it crashes."""
    try:
        r = subprocess.run([program], input=text, capture_output=True,
                           text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        return "hangs\n"
    trace = "".join(r.stdout.splitlines(keepends=True)[1:])
    if r.returncode != 0:
        trace += f"died with {r.returncode}\n"
    return trace


def library_sums(program, first, count):
    """Yield (seed, sum) for a range of seeds; the sum is None for a program
    that kills the library's process."""
    end = first + count
    while first < end:
        source = subprocess.Popen(generate_command(first, end - first),
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL)
        run = subprocess.Popen([program, "--sums"], stdin=source.stdout,
                               stdout=subprocess.PIPE, text=True,
                               stderr=subprocess.DEVNULL)
        source.stdout.close()
        for line in run.stdout:
            words = line.split()
            if len(words) == 2 and words[0] == str(first):
                yield first, words[1]
                first += 1
        source.wait()
        run.wait()
        if first < end:
            yield first, None
            first += 1


def oracle_sums(prefix, first, count):
    """Yield (seed, sum) for a range of seeds."""
    run = subprocess.Popen(oracle_command(prefix, first, count, "sums"),
                           stdout=subprocess.PIPE, text=True,
                           stderr=subprocess.DEVNULL)
    for line in run.stdout:
        seed, total = line.split()
        yield int(seed), total
    run.wait()
