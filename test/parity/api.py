#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every name of asyncio has its C name, or a reason why not.

Reads api.tsv. A row of one of the given areas (all without any) that applies
holds when its C name is there: a function is declared in a public header and
exported by the library (or is a macro or an inline function); a type, a
constant or a member of a struct is defined in a public header. Or else
docs/asyncio-map.md has a table row whose first cell contains the Python name
in backticks, whose second cell is "none", and whose third gives the reason.
What the table describes in words instead of naming needs such a row with the
C form in the second cell. The other way round, every C name in a second cell
is there, unless the page says "(not yet)".

    api.py SOURCE_ROOT NM LIBRARY [AREA...]
"""

import csv
import pathlib
import re
import subprocess
import sys

IDENTIFIER = re.compile(r"(?i:asyncio_)\w+(?:\.\w+|\*)?")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


class Headers:
    """What the public headers declare, and what the library exports."""

    def __init__(self, include, nm, library):
        self.text = "\n".join(COMMENT.sub(" ", path.read_text())
                              for path in sorted(include.rglob("*.h")))
        for name in re.findall(r"\bX\((\w+), -\d+", self.text):
            self.text += f"\n#define ASYNCIO_ERR_{name}"
        out = subprocess.run([nm, "-D", "--defined-only", library],
                             check=True, capture_output=True, text=True).stdout
        self.exported = {line.split()[-1].partition("@")[0]
                         for line in out.splitlines()}

    def has(self, name):
        if name.endswith("_*"):
            return any(n.startswith(name[:-1]) for n in self.exported)
        if "." in name:
            return self.has_member(*name.split(".", 1))
        if name.endswith("_t"):
            return self.matches(rf"\b{name}\s*;|\(\*{name}\)|#define {name}\b")
        if name.startswith("ASYNCIO_"):
            return self.matches(rf"#\s*define {name}\b|\b{name}\s*[=,}}]"
                                rf"|\b{name}\s*\n\s*}}")
        macro = re.search(rf"#\s*define {name}\b((?:[^\n]|\\\n)*)", self.text)
        if macro:
            used = set(re.findall(r"asyncio_\w+", macro[1])) | {name}
            return all(n in self.exported for n in used if self.declares(n))
        if self.matches(rf"static inline [^;{{]*\b{name}\("):
            return True
        return self.declares(name) and name in self.exported

    def declares(self, name):
        """Whether there is a declaration of a function, not just a macro."""
        return self.matches(rf"ASYNCIO_(?:EXPORT|AWAITS)\b[^;{{}}#]*?\b{name}\(")

    def has_member(self, struct, member):
        alias = re.search(rf"typedef (asyncio_\w+_t) {struct};", self.text)
        if alias:
            return self.has_member(alias[1], member)
        tag = struct.removesuffix("_t")
        body = (re.search(rf"\bstruct {tag}\s*\{{(.*?)^\}}", self.text,
                          re.DOTALL | re.MULTILINE)
                or re.search(rf"\bstruct\s*\w*\s*\{{([^{{}}]*)\}}\s*{struct};",
                             self.text))
        return bool(body and re.search(
            rf"\b{member}\s*(?:\[[^]]*\])?[;,]|\(\*{member}\)", body[1]))

    def matches(self, pattern):
        return re.search(pattern, self.text) is not None


def bare(python_name):
    """A Python name without its arguments."""
    return re.sub(r"\(.*", "", python_name).strip()


def rows_of(page):
    """The Python names on the page: those C has none for, and the others."""
    without, with_form = set(), set()
    for line in page.read_text().splitlines() if page.exists() else ():
        cells = [cell.strip() for cell in
                 line.strip().strip("|").replace("\\|", "/").split("|")]
        if not line.startswith("|") or len(cells) < 3 or not cells[2]:
            continue
        none = cells[1].strip("`*_ ").lower() == "none"
        for name in re.findall(r"`([^`]+)`", cells[0]):
            (without if none else with_form).update({name, bare(name)})
    return without, with_form


def false_claims(page, headers):
    """C names that the page promises and that are not there."""
    for line in page.read_text().splitlines():
        cells = line.split("|")
        if not line.startswith("|") or len(cells) < 4 or "not yet" in cells[2]:
            continue
        for name in re.findall(r"`([^`]+)`", cells[2]):
            if IDENTIFIER.fullmatch(name) and not headers.has(name):
                yield f"docs/asyncio-map.md: {name} is not there"


def c_names(cell):
    return [name for name in re.split(r"\s*[+,]\s*", cell) if name]


def main():
    root, nm, library = pathlib.Path(sys.argv[1]), *sys.argv[2:4]
    areas = sys.argv[4:]
    headers = Headers(root / "include", nm, library)
    without, with_form = rows_of(root / "docs/asyncio-map.md")
    with open(root / "test/parity/api.tsv", newline="") as table:
        rows = list(csv.DictReader(table, delimiter="\t",
                                   quoting=csv.QUOTE_NONE))
    unknown = set(areas) - {row["area"] for row in rows}
    if unknown:
        print("no such area:", *sorted(unknown))
        return 1
    held = explained = 0
    missing = list(false_claims(root / "docs/asyncio-map.md", headers))
    for row in rows:
        if areas and row["area"] not in areas:
            continue
        if row["applies"].startswith("no"):
            continue
        python = {row["python name"], bare(row["python name"])}
        names = c_names(row["c_name"])
        in_words = not all(IDENTIFIER.fullmatch(n) for n in names)
        absent = [n for n in names if not headers.has(n)]
        if not absent:
            held += 1
        elif python & (without | with_form if in_words else without):
            explained += 1
        else:
            missing.append(f"{row['area']}: {row['python name']}: no "
                           f"{', '.join(absent)} ({row['applies']})")
    print(*missing, f"{held} rows have their C name, {explained} a reason, "
          f"{len(missing)} neither", sep="\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
