#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Add up what meson's test runs said.

Each behaviour of a TAP program counts, and each test that is a program by
itself. Prints the log of what failed, and "N passed, N failed".

    tally.py MORE_FAILED BUILD_DIRECTORY...
"""

import json
import pathlib
import re
import sys

LINE = re.compile(r"^(ok|not ok)\b[^#\n]*(#\s*(?i:skip))?", re.MULTILINE)


def count(test):
    """Passed, failed and skipped of one test of a testlog.json."""
    passed = failed = skipped = 0
    result = test["result"]
    points = LINE.findall(test.get("stdout", ""))
    for verdict, skip in points:
        if skip:
            skipped += 1
        elif verdict == "ok":
            passed += 1
        else:
            failed += 1
    if result == "SKIP":
        skipped = max(skipped, 1)
    elif result in ("OK", "EXPECTEDFAIL"):
        passed = max(passed, 0 if points else 1)
    else:
        failed = max(failed, 1)
    return passed, failed, skipped


def main():
    total = [0, int(sys.argv[1]), 0]
    for build in map(pathlib.Path, sys.argv[2:]):
        for log in sorted((build / "meson-logs").glob("testlog*.json")):
            for line in log.read_text().splitlines():
                test = json.loads(line)
                counts = count(test)
                total = [a + b for a, b in zip(total, counts)]
                if counts[1]:
                    print(f"--- failed: {test['name']} in {build.name} "
                          f"({log.stem}: {test['result']})")
                    print(test.get("stdout", ""), test.get("stderr", ""))
    passed, failed, skipped = total
    more = f", {skipped} skipped" if skipped else ""
    print(f"{passed} passed, {failed} failed{more}")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
