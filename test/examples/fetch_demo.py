#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fetch as its users run it: alone, with bad arguments, interrupted.

    fetch_demo.py FETCH
"""

import signal
import subprocess
import sys
import time


def run(*arguments, stdin=""):
    return subprocess.run([sys.argv[1], *arguments], input=stdin, text=True,
                          capture_output=True, timeout=60)


def check(condition, done):
    if not condition:
        print(done.returncode, done.stdout, done.stderr, sep="\n")
        raise SystemExit(f"line {sys._getframe(1).f_lineno}")


def alone():
    done = run()
    check(done.returncode == 0 and not done.stderr, done)
    lines = done.stdout.splitlines()
    check(sum(" 200 " in line for line in lines) == 500, done)
    check(any("500 pages in" in line for line in lines), done)
    check("errors      none" in done.stdout, done)
    check("25 redirects, 10 retries" in done.stdout, done)
    check("\033" not in done.stdout, done)
    print(*lines[-9:], sep="\n")


def arguments():
    done = run("--help")
    check(done.returncode == 0 and "Usage: fetch" in done.stdout, done)
    for bad in ["--no-such"], ["-c", "0"], ["-t", "x"], ["-r", "1.5"], ["-c"]:
        done = run(*bad)
        check(done.returncode == 2 and "--help" in done.stderr, done)


def failures():
    done = run("-r", "0", "http://127.0.0.1:1/", "https://x/",
               "http://x..invalid/")
    check(done.returncode == 1, done)
    check("connection refused" in done.stdout, done)
    check("bad URL" in done.stdout, done)
    done = run("-r", "0", "-q", stdin="# a list\n\nhttp://127.0.0.1:1/\n")
    check(done.returncode == 1 and done.stdout.count("\n") == 1, done)


def interrupted():
    """Ctrl-C: what was done is reported, and the program ends by SIGINT."""
    with subprocess.Popen([sys.argv[1], "-c", "2"], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as child:
        for line in child.stdout:
            if " 200 " in line:
                break
        child.send_signal(signal.SIGINT)
        began = time.monotonic()
        out, err = child.communicate(timeout=30)
        check("Interrupted after" in out, subprocess.CompletedProcess(
            [], child.returncode, out, err))
        check(child.returncode == -signal.SIGINT,
              subprocess.CompletedProcess([], child.returncode, out, err))
        print(f"ended {time.monotonic() - began:.2f} s after SIGINT")


if __name__ == "__main__":
    alone()
    arguments()
    failures()
    interrupted()
