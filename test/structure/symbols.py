#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The shared library exports asyncio_* and nothing else.

    symbols.py NM LIBRARY SONAME
"""

import re
import subprocess
import sys


def main():
    nm, library, soname = sys.argv[1:]
    out = subprocess.run([nm, "-D", "--defined-only", library], check=True,
                         capture_output=True, text=True).stdout
    names = [line.split()[-1].partition("@")[0] for line in out.splitlines()
             if line.split()[-2] != "A"]
    strangers = [n for n in names if not re.fullmatch(r"asyncio_[a-z0-9_]+", n)]
    for name in strangers:
        print(f"{name}: exported, but not asyncio_*")
    data = [line.split()[-1] for line in out.splitlines()
            if line.split()[-2] in "BDGSC"]
    for name in data:
        print(f"{name}: exported, but writable data")
    dynamic = subprocess.run(["readelf", "-d", library], check=True,
                             capture_output=True, text=True).stdout
    wrong = f"[{soname}]" not in dynamic
    if wrong:
        print(f"the soname is not {soname}")
    print(f"{len(names)} symbols exported")
    return 1 if strangers or data or wrong or not names else 0


if __name__ == "__main__":
    sys.exit(main())
