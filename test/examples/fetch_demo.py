#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fetch as its users run it: alone, with bad arguments, interrupted.

    fetch_demo.py FETCH
"""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
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
    done = run("-r", "0", "http://127.0.0.1:1/", "ftp://x/",
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


def on_a_terminal(columns):
    """A bar that fits into its line, whatever the width of the terminal."""
    try:
        ours, theirs = pty.openpty()
    except OSError as error:  # a container may have none
        print(f"no terminal here ({error}): its bar is not tested")
        return
    fcntl.ioctl(theirs, termios.TIOCSWINSZ,
                struct.pack("HHHH", 24, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    child = subprocess.Popen([sys.argv[1], "-c", "100"], stdin=theirs,
                             stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # the other side is closed
        pass
    os.close(ours)
    status = child.wait(30)
    text = re.sub(r"\033\[[0-9;]*[mK]", "", shown.decode())
    done = subprocess.CompletedProcess([], status, text, "")
    bars = [line for line in re.split(r"[\r\n]+", text) if " eta" in line]
    check(status == 0 and len(bars) > 1 and "500 pages in" in text, done)
    check(max(map(len, bars)) < columns, done)
    print(bars[-1])


if __name__ == "__main__":
    on_a_terminal(100)
    on_a_terminal(60)
    alone()
    arguments()
    failures()
    interrupted()
