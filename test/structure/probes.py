#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The static probes of the library are those that the tutorial lists.

    probes.py SOURCE_ROOT LIBRARY READELF
"""

import pathlib
import re
import subprocess
import sys


def main():
    root, library, readelf = sys.argv[1:]
    tutorial = pathlib.Path(root, "docs", "tutorial.md").read_text()
    told = set(re.findall(r"^\| `([a-z_]+)` \|", tutorial, re.MULTILINE))
    notes = subprocess.run([readelf, "-n", library], check=True,
                           capture_output=True, text=True).stdout
    there = set(re.findall(r"Provider: libasyncio\s+Name: (\w+)", notes))
    for name in sorted(told - there):
        print(f"{name}: in the tutorial, not in the library")
    for name in sorted(there - told):
        print(f"{name}: in the library, not in the tutorial")
    print(f"{len(there)} probes")
    return 1 if told != there or not there else 0


if __name__ == "__main__":
    sys.exit(main())
