#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every public header compiles alone, and so does code that uses them.

As C11 and as C++17, with every compiler that is there, and with the warnings
that a careful user has switched on. Files named after `--` are compiled the
same way: .c as C11, .cpp as C++17.

    headers.py INCLUDE_DIR [EXTRA_CFLAGS...] -- [USER_FILES...]
"""

import pathlib
import shutil
import subprocess
import sys

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
C = [(cc, ["-std=c11", "-xc"]) for cc in ("gcc", "clang")]
CXX = [(cc, ["-std=c++17", "-xc++"]) for cc in ("g++", "clang++")]


def compile_one(compiler, flags, source, text=None):
    """Compile a file, or `text`, and return what the compiler had to say."""
    command = [compiler, *flags, *WARNINGS, "-fsyntax-only"]
    done = subprocess.run(command + (["-"] if text else [str(source)]),
                          input=text, capture_output=True, text=True)
    if done.returncode == 0:
        return None
    return f"{source}: {compiler} {flags[0]}\n{done.stderr}"


def main():
    split = sys.argv.index("--")
    include = pathlib.Path(sys.argv[1])
    flags = [f"-I{include}", *sys.argv[2:split]]
    users = [pathlib.Path(name) for name in sys.argv[split + 1:]]
    headers = sorted(include.glob("*.h")) + sorted(include.glob("*/*.h"))
    jobs = []
    for compilers, suffix in ((C, ".c"), (CXX, ".cpp")):
        for compiler, standard in compilers:
            if not shutil.which(compiler):
                print(f"{compiler} is not here: skipped")
                continue
            for header in headers:
                name = header.relative_to(include)
                # Twice: the guards are part of the header.
                text = f"#include <{name}>\n#include <{name}>\n"
                text += "typedef int no_empty_translation_unit;\n"
                jobs.append((compiler, standard + flags, name, text))
            jobs += [(compiler, standard + flags, user)
                     for user in users if user.suffix == suffix]
    found = [text for text in (compile_one(*job) for job in jobs) if text]
    print(*found, f"{len(jobs)} compilations, {len(found)} failed", sep="\n")
    return 1 if found or not jobs else 0


if __name__ == "__main__":
    sys.exit(main())
