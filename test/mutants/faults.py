# SPDX-License-Identifier: MIT
"""The faults: what is replaced where, read from the *.faults files.

    name src/layer/file.c function
    A sentence that says what goes wrong.
    - text of that function
    + what stands there instead

White space does not matter. Without + lines the text is left out; there may
be several replacements. Each text must occur exactly once in the function
("-" for the function: in the file), so that the list keeps up with the
sources: what no longer fits is an error, not a fault less.
"""

import dataclasses
import pathlib
import re


class FaultError(Exception):
    pass


@dataclasses.dataclass
class Fault:
    name: str
    file: str
    function: str
    sentence: str = ""
    texts: list = dataclasses.field(default_factory=list)  # [old, new]


def load(directory):
    faults = []
    for path in sorted(pathlib.Path(directory).glob("*.faults")):
        for block in re.split(r"\n\s*\n", path.read_text()):
            lines = [line for line in block.splitlines()
                     if line and not line.startswith("#")]
            if lines:
                faults.append(read_one(path.name, lines))
    names = [fault.name for fault in faults]
    for name in names:
        if names.count(name) > 1:
            raise FaultError(f"two faults are called {name}")
    return faults


def read_one(where, lines):
    words = lines[0].split()
    if len(words) != 3:
        raise FaultError(f"{where}: not 'name file function': {lines[0]}")
    fault = Fault(*words)
    for line in lines[1:]:
        if line.startswith("- "):
            if not fault.texts or fault.texts[-1][1]:
                fault.texts.append(["", ""])
            fault.texts[-1][0] += line[2:] + "\n"
        elif line.startswith("+ ") and fault.texts:
            fault.texts[-1][1] += line[2:] + "\n"
        else:
            fault.sentence += line.strip() + " "
    fault.sentence = fault.sentence.strip()
    if not fault.sentence or not fault.texts:
        raise FaultError(f"{where}: {fault.name}: no sentence, or no text")
    return fault


def span_of(text, function):
    """Where a function's definition begins and ends."""
    found = re.search(rf"^(?:static inline \w+ )?{re.escape(function)}\("
                      r"[^;{]*\n\{\n.*?^\}", text, re.M | re.S)
    if not found:
        raise FaultError(f"there is no {function}()")
    return found.span()


def replace(fault, text, old, new):
    start, end = ((0, len(text)) if fault.function == "-"
                  else span_of(text, fault.function))
    pattern = r"\s+".join(map(re.escape, old.split()))
    found = list(re.finditer(pattern, text[start:end]))
    if len(found) != 1:
        raise FaultError(f"a text occurs {len(found)} times in "
                         f"{fault.function}() of {fault.file}:\n{old}")
    if fault.function != "-":
        new = new.replace("\n", "\n    ")  # a } in column 0 ends a function
    return (text[:start + found[0].start()] + new.rstrip()
            + text[start + found[0].end():])


def plant(root, fault):
    """The text of the fault's file with the fault in it."""
    try:
        text = (pathlib.Path(root) / fault.file).read_text()
        for old, new in fault.texts:
            text = replace(fault, text, old, new)
        return text
    except (OSError, FaultError) as error:
        raise FaultError(f"{fault.name}: {error}") from None
