#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""C and Python talk to each other: every kind of client with every kind of
server, over TCP and over Unix sockets, 0 byte to 8 MiB; what comes back is
compared by its hash. (Python with Python is Python's business.)

    echo.py PEER
"""

import hashlib
import itertools
import pathlib
import random
import subprocess
import sys
import tempfile

from helpers import running

SIZES = (0, 1, 64 * 1024, 8 * 1024 * 1024)


def digest(*parts):
    return hashlib.sha256(b"".join(parts)).hexdigest()


def make_files(root):
    """Pairs of a file and the hash of what has to come back."""
    files = []
    for size in SIZES:
        data = random.Random(size).randbytes(size)
        path = root / f"{size}.sent"
        path.write_bytes(data)
        files.append((path, digest(data, b"END %d\n" % size)))
    return files


def converse(client, kind, place, files):
    """One client, one connection for each file. Returns what is wrong."""
    pairs = [(sent, sent.with_suffix(".got")) for sent, _ in files]
    done = subprocess.run(
        [*client, "connect", kind, place, *map(str, sum(pairs, ()))],
        timeout=120, capture_output=True, text=True)
    if done.returncode != 0:
        return f"status {done.returncode}: {done.stderr}"
    wrong = [str(got.name) for (_, got), (_, wanted) in zip(pairs, files)
             if digest(got.read_bytes()) != wanted]
    return f"differ: {wrong}" if wrong else ""


def main():
    languages = {"C": [sys.argv[1]],
                 "Python": [sys.executable,
                            str(pathlib.Path(__file__).parent / "peer.py")]}
    ends = list(itertools.product(languages, ("streams", "protocols")))
    failed = count = 0
    print(f"1..{(len(ends) ** 2 - 4) * 2}")
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        files = make_files(root)
        for language, kind in ends:
            path = root / f"{language}-{kind}"
            with running(*languages[language], "serve", kind, path,
                         stdout=subprocess.PIPE, text=True) as server:
                port = server.stdout.readline().strip()
                places = (f"tcp:{port}", f"unix:{path}")
                for (other, how), place in itertools.product(ends, places):
                    if language == other == "Python":
                        continue
                    wrong = converse(languages[other], how, place, files)
                    count += 1
                    failed += bool(wrong)
                    print(f"{'not ok' if wrong else 'ok'} {count} - {other} "
                          f"{how} to {language} {kind} over "
                          f"{place.split(':')[0]}", flush=True)
                    if wrong:
                        print("#", wrong.replace("\n", "\n# "))
            if server.returncode not in (0, -15):
                failed += 1
                print(f"# server {language} {kind}: status "
                      f"{server.returncode}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
