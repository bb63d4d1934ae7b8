# SPDX-License-Identifier: MIT
"""Running what may find a fault, until the first thing that does.

A program of Check tests is left at its first failed test, and the golden
programs of the differential at the first other trace.
"""

import os
import re
import resource
import select
import signal
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "differential"))
import generate  # noqa: E402
import golden  # noqa: E402

PROGRAMS = 1000
PROGRAM_SECONDS = 90  # of a whole test program
TRACE_SECONDS = 20    # of one golden program
MEMORY = 8 << 30      # a fault may make things grow for ever

GOLDEN = golden.read_sums()[1]
SUMS = [GOLDEN[seed] for seed in range(PROGRAMS)]


def write_programs(path):
    with open(path, "w") as f:
        for seed in range(PROGRAMS):
            f.write(generate.make(seed).text())


def start(command, **options):
    process = subprocess.Popen(command, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL,
                               start_new_session=True, **options)
    try:
        resource.prlimit(process.pid, resource.RLIMIT_DATA, (MEMORY, MEMORY))
    except OSError:
        pass  # it has ended
    return process


def end(process):
    """Check passes SIGTERM on to the test that runs, or to all its group:
    that is why each has a session of its own."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(3)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()


def run_check(program, env):
    """None, or the name of the test that fails."""
    process = start([str(program)], env={**os.environ, **env})
    late = threading.Event()

    def stop():
        late.set()
        process.send_signal(signal.SIGTERM)

    timer = threading.Timer(PROGRAM_SECONDS, stop)
    timer.start()
    failed = None
    for line in process.stdout:
        found = re.match(rb"not ok \d+ - (.*)", line)
        if found:
            words = found.group(1).decode(errors="replace").split(":")
            failed = ":".join(words[1:2] or words[:1])
            break
    timer.cancel()
    if failed is None and process.wait() != 0:
        failed = f"died with {process.returncode}"
    end(process)
    return "took too long" if late.is_set() else failed


def run_golden(program, programs):
    """None, or after how many programs the trace is another one."""
    with open(programs) as source:
        process = start([str(program), "--sums"], stdin=source)
    failed = None
    rest = b""
    seed = 0
    while seed < len(SUMS) and failed is None:
        if not select.select([process.stdout], [], [], TRACE_SECONDS)[0]:
            failed = f"hangs in program {seed + 1}"
            break
        some = os.read(process.stdout.fileno(), 1 << 16)
        if not some:
            failed = f"dies in program {seed + 1}"
            break
        *lines, rest = (rest + some).split(b"\n")
        for line in lines:
            words = line.decode(errors="replace").split()
            if words != [str(seed), SUMS[seed]]:
                failed = f"program {seed + 1}"
                break
            seed += 1
    end(process)
    return failed
