#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One idea per file: 450 lines at most, and 70 per function.

Also: every source opens with its licence and an essay. Files outside src are
reported, but only src can fail.

    sizes.py SOURCE_ROOT
"""

import pathlib
import re
import statistics
import sys

FILE_LINES_MAX = 450
FUNCTION_LINES_MAX = 70


def functions(lines):
    """Yield (name, lines) of each function: a body is between { and } in
    column 0, after a line that starts with the function's name."""
    name, start = None, None
    for number, line in enumerate(lines):
        found = re.match(r"(\w+)\(", line)
        if found:
            name = found.group(1)
        elif line.startswith("{"):
            start = number
        elif line.startswith("}") and start is not None:
            if name and line.rstrip() == "}":
                yield name, number - start + 1
            name, start = None, None


def main():
    root = pathlib.Path(sys.argv[1])
    failed = False
    sizes = []
    for top in ("src", "include", "test", "bench", "docs"):
        for path in sorted((root / top).rglob("*.[ch]")):
            lines = path.read_text().splitlines()
            where = path.relative_to(root)
            notes = []
            if len(lines) > FILE_LINES_MAX:
                notes.append(f"{where}: {len(lines)} lines")
            for name, size in functions(lines):
                if top == "src":
                    sizes.append(size)
                if size > FUNCTION_LINES_MAX:
                    notes.append(f"{where}: {name}() has {size} lines")
            if lines[:1] != ["/* SPDX-License-Identifier: MIT */"]:
                notes.append(f"{where}: does not begin with its licence")
            if path.suffix == ".c" and top == "src" and lines[1] != "/*":
                notes.append(f"{where}: has no essay after its licence")
            failed = failed or (top == "src" and bool(notes))
            for note in notes:
                print(note)
    print(f"{len(sizes)} functions in src, median "
          f"{statistics.median(sizes or [0]):g} lines, "
          f"longest {max(sizes or [0])}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
