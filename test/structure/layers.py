#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No layer knows one above it.

The order of the layers, bottom to top, is read from src/meson.build. Checked:
every source is listed there, under the layer whose directory it is in; no
include of a private header points upward; and no object uses a symbol that
only a higher layer defines (a public header would hide that from an include
check), unless a header of its own or of a lower layer declares it: that is an
interface which the higher one implements, and it is printed.

    layers.py SOURCE_ROOT [ARCHIVE NM]
"""

import pathlib
import re
import subprocess
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def layers_of(build_file):
    text = build_file.read_text()
    body = re.search(r"^layers = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    order = re.findall(r"^\s*\['(\w+)', \w+\],$", body.group(1), re.MULTILINE)
    listed = re.findall(r"'([\w./-]+\.[cS])'", text)
    return order, listed


def includes_that_point_up(src, order):
    for path in sorted(src.rglob("*.[chS]")):
        own = path.relative_to(src).parts[0]
        if own not in order:
            yield f"{path}: in no layer"
            continue
        for name in INCLUDE.findall(path.read_text()):
            parts = pathlib.PurePosixPath(name).parts
            if len(parts) == 1 and (path.parent / name).exists():
                continue
            if not (src / name).exists():
                continue  # generated, or public
            if order.index(parts[0]) > order.index(own):
                yield f"{path}: includes {name}, which is above {own}"


def sources_not_in_their_place(src, listed):
    present = {str(p.relative_to(src)) for p in src.rglob("*.[cS]")}
    for name in sorted(present - set(listed)):
        yield f"src/{name}: not listed in src/meson.build"
    for name in sorted({n for n in listed if listed.count(n) > 1}):
        yield f"src/{name}: listed twice in src/meson.build"


def declared_below(src, order, level, symbol):
    word = re.compile(rf"\b{symbol}\b")
    return any(word.search(header.read_text()) for layer in order[:level + 1]
               for header in (src / layer).glob("*.h"))


def symbols_that_point_up(src, archive, nm, order):
    defines, uses = {}, []
    out = subprocess.run([nm, "--print-file-name", archive], check=True,
                         capture_output=True, text=True).stdout
    for line in out.splitlines():
        where, _, rest = line.rpartition(":")
        member = where.rpartition(":")[2].rpartition("/")[2]
        layer = member.partition("_")[0]
        kind, symbol = rest.split()[-2:]
        if layer not in order:
            continue
        if kind in "Uvw":
            uses.append((symbol, layer, member))
        elif kind.isupper():
            level = order.index(layer)
            defines[symbol] = min(level, defines.get(symbol, level))
    for symbol, layer, member in sorted(uses):
        level = defines.get(symbol)
        if level is None or level <= order.index(layer):
            continue
        if declared_below(src, order, order.index(layer), symbol):
            print(f"{order[level]} implements {symbol} for {layer}")
        else:
            yield (f"{member}: uses {symbol}, "
                   f"which {order[level]} above {layer} defines")


def main():
    root = pathlib.Path(sys.argv[1])
    src = root / "src"
    order, listed = layers_of(src / "meson.build")
    found = list(includes_that_point_up(src, order))
    found += sources_not_in_their_place(src, listed)
    if len(sys.argv) > 3:
        found += symbols_that_point_up(src, sys.argv[2], sys.argv[3], order)
    print(*found, f"layers, bottom to top: {' '.join(order)}", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
