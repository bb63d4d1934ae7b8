# SPDX-License-Identifier: MIT
"""Both sides as processes: the oracle under node, the library's program.

The oracle needs the npm package "pyodide". It is looked for in the directory
given (or in $DIFFERENTIAL_PYODIDE), and installed there when it is not found.
Programs are generated here, once, for both sides: as text for the library,
packed for the oracle, which is slow at reading text.
"""

import functools
import marshal
import os
import struct
import subprocess
import sys
import threading
import zlib

import program as P

HERE = os.path.dirname(os.path.abspath(__file__))
PYODIDE = "pyodide@314.0.7"
LIMIT = 300         # seconds for a call's programs under the oracle
# Faster by a quarter; a node that does not know one goes without.
FLAGS = ("--no-wasm-stack-checks", "--no-wasm-bounds-checks",
         "--experimental-wasm-inlining", "--wasm-loop-peeling")


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


@functools.cache
def flags():
    return [flag for flag in FLAGS if subprocess.run(
        ["node", flag, "-e", "0"], stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL).returncode == 0]


def oracle_command(prefix, *args):
    return ["node", *flags(), os.path.join(HERE, "oracle.mjs"),
            pyodide(prefix), "oracle.py", *args]


def check(command):
    """A program that cannot run differs everywhere: say so instead."""
    try:
        r = subprocess.run([command, "--sums"], stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL)
    except OSError as e:
        sys.exit(f"{command}: {e.strerror}")
    if r.returncode != 0:
        sys.exit(f"{command}: ends with {r.returncode}")


def crc(text):
    return f"{zlib.crc32(text.encode()):08x}"


class Oracle:
    """One process that answers program after program."""

    def __init__(self, prefix):
        self.prefix = prefix
        self.process = None

    def start(self):
        if self.process is None:
            self.process = subprocess.Popen(
                oracle_command(self.prefix), stdin=subprocess.PIPE,
                stdout=subprocess.PIPE)
        return self.process

    def send(self, programs, sums):
        """Hand over programs while their answers are read."""
        def write(process):
            try:
                for p in programs:
                    data = marshal.dumps(P.pack(p))
                    process.stdin.write(
                        struct.pack("<II", len(data), sums) + data)
                process.stdin.flush()
            except BrokenPipeError:
                pass
        thread = threading.Thread(target=write, args=(self.start(),))
        thread.start()
        return thread

    def sums(self, programs):
        """The sums of the programs' traces. None is that of a program which
        ends the oracle's process, or does not end; the next ones go to a new
        one."""
        out = []
        while len(out) < len(programs):
            rest = programs[len(out):]
            thread = self.send(rest, 1)
            limit = threading.Timer(LIMIT, self.process.kill)
            limit.start()
            for p in rest:
                words = self.process.stdout.readline().split()
                if len(words) != 2 or int(words[0]) != p.seed:
                    out.append(None)
                    self.kill()
                    break
                out.append(words[1].decode())
            limit.cancel()
            thread.join()
        return out

    def trace(self, program):
        """The trace of one program."""
        thread = self.send([program], 0)
        lines = []
        for line in self.process.stdout:
            if line == b".\n":
                thread.join()
                return b"".join(lines[1:]).decode()
            lines.append(line)
        thread.join()
        self.kill()
        return b"".join(lines[1:]).decode() + "the oracle died\n"

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.stdout.close()
            self.process.wait()
            self.process = None

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()
            self.process = None


def library_trace(command, program, timeout=20):
    """The trace of the library's program; says so when it crashes."""
    try:
        r = subprocess.run([command], input=program.text(),
                           capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        return "hangs\n"
    trace = "".join(r.stdout.splitlines(keepends=True)[1:])
    if r.returncode != 0:
        trace += f"died with {r.returncode}\n"
    return trace


def library_sums(command, programs, timeout=60):
    """The sums of the programs' traces under the library. None is that of a
    program which ends its process, or does not end."""
    out = []
    while len(out) < len(programs):
        rest = programs[len(out):]
        try:
            done = subprocess.run(
                [command, "--sums"], text=True, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, timeout=timeout,
                input="".join(p.text() for p in rest)).stdout
        except subprocess.TimeoutExpired as e:
            done = (e.stdout or b"").decode()
        for p, line in zip(rest, done.splitlines()):
            words = line.split()
            if len(words) == 2 and words[0] == str(p.seed):
                out.append(words[1])
        if len(out) < len(programs):
            out.append(None)
    return out
