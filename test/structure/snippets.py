#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The code in the documentation compiles.

Every fenced block of C that includes a header, in README.md and docs, is
compiled as a careful user would.

    snippets.py SOURCE_ROOT CFLAGS...
"""

import pathlib
import re
import shutil
import subprocess
import sys

FLAGS = ["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra",
         "-Wpedantic", "-Werror", "-fsyntax-only", "-xc"]
BLOCK = re.compile(r"^```c\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def main():
    root = pathlib.Path(sys.argv[1])
    flags = [f"-I{root / 'include'}", *sys.argv[2:], *FLAGS, "-"]
    compilers = [cc for cc in ("gcc", "clang") if shutil.which(cc)]
    count = failed = 0
    pages = [root / "README.md", *sorted((root / "docs").rglob("*.md"))]
    for page in pages:
        text = page.read_text()
        for block in BLOCK.finditer(text):
            if "#include" not in block[1]:
                continue
            # Messages of the compiler then name the page and its line.
            line = text.count("\n", 0, block.start()) + 2
            source = f'#line {line} "{page.relative_to(root)}"\n{block[1]}'
            for compiler in compilers:
                done = subprocess.run([compiler, *flags], input=source,
                                      capture_output=True, text=True)
                count += 1
                if done.returncode != 0:
                    failed += 1
                    print(done.stderr)
    print(f"{count} compilations, {failed} failed")
    return 1 if failed or not count else 0


if __name__ == "__main__":
    sys.exit(main())
