#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every exported function is declared and documented.

Its comment has, in this order: a sentence, @python, a @param for each
parameter, @return (unless it returns nothing) and @suspends. What may suspend
is marked ASYNCIO_AWAITS, and nothing else is; what suspends when a callback
does may be.

    docs.py NM LIBRARY INCLUDE_DIR
"""

import pathlib
import re
import subprocess
import sys

DECLARATION = re.compile(
    r"(?P<comment>/\*\*(?:[^*]|\*(?!/))*\*/)\s*"
    r"(?P<declaration>(?:ASYNCIO_\w+|__attribute__|static inline)"
    r"(?:[^;{}#]|\n)*?)(?=;|\n\{)")
NAME = re.compile(r"(asyncio_\w+)\s*\((.*)$", re.DOTALL)
TAG = re.compile(r"^[ \t]*\*[ \t]+@(\w+)(?:[ \t]+(\S+))?", re.MULTILINE)
ORDER = ["python", "param", "return", "suspends"]


def parameters(text):
    """The names of the parameters in `text`, which follows the bracket."""
    depth, end = 1, 0
    while depth and end < len(text):
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        end += 1
    inside = re.sub(r"\(\*(\w+)\)\s*\([^()]*\)", r"\1", text[:end - 1])
    for parameter in inside.split(","):
        parameter = re.sub(r"\[.*?\]", "", parameter).strip()
        if parameter not in ("", "void", "..."):
            yield re.search(r"(\w+)$", parameter).group(1)


def complaints(comment, declaration, name, rest):
    tags = TAG.findall(comment)
    names = [tag for tag, _ in tags]
    if "python" not in names:
        yield "no @python"
    if "suspends" not in names:
        yield "no @suspends"
    void = re.search(r"\bvoid\s+" + name, declaration)
    if not void and "return" not in names:
        yield "no @return"
    places = [ORDER.index(tag) for tag in names if tag in ORDER]
    if places != sorted(places):
        yield "tags in another order than " + ", ".join(ORDER)
    told = [argument for tag, argument in tags if tag == "param"]
    for parameter in parameters(rest):
        if parameter not in told:
            yield f"no @param {parameter}"
    never = re.search(r"@suspends\s+never", comment) is not None
    awaits = "ASYNCIO_AWAITS" in declaration
    inherits = re.search(r"@suspends\s+when `", comment) is not None
    if "suspends" in names and never == awaits and not inherits:
        yield "@suspends and ASYNCIO_AWAITS disagree"


def main():
    nm, library, include = sys.argv[1:]
    out = subprocess.run([nm, "-D", "--defined-only", library], check=True,
                         capture_output=True, text=True).stdout
    exported = {line.split()[-1].partition("@")[0]
                for line in out.splitlines() if line.split()[-2] == "T"}
    declared, found = set(), []
    for path in sorted(pathlib.Path(include).rglob("*.h")):
        text = path.read_text()
        for match in DECLARATION.finditer(text):
            named = NAME.search(match["declaration"])
            if not named:
                continue
            declared.add(named[1])
            line = text.count("\n", 0, match.start("declaration")) + 1
            found += [f"{path.name}:{line}: {named[1]}: {complaint}"
                      for complaint in complaints(
                          match["comment"], match["declaration"], *named.groups())]
    found += [f"{name}: exported, but no documented declaration"
              for name in sorted(exported - declared)]
    print(*found, f"{len(declared)} functions declared, {len(exported)} "
          f"exported, {len(found)} complaints", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
