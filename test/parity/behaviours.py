#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which of CPython's tested behaviours have a test here.

A C test carries the keys of the rows it covers, in comments: directly above
it, or in its body above the assertions that are about the row.

    /* parity: test_locks.py LockTests test_acquire */
    BEHAVIOUR(a_lock_is_handed_over_in_order)

A test counts when its file is built (listed in test/meson.build) and there is
an assertion after the key, or the name of a function of the same file that
asserts; with --ran, also only when it passed in that run.
Several keys may stand together. A key that is in no row is an error.

    behaviours.py SOURCE_ROOT [--ran TESTLOG.json]... [--list] [AREA...]

With areas, it fails unless all their rows that apply are covered; --list
prints every row with its C test. Rows of which only a part applies count
like the others: it is that part that the test must be about.
"""

import argparse
import collections
import csv
import json
import pathlib
import re
import sys

KEY = re.compile(r"parity:\s*(\w+\.py)\s+(\w+)\s+(\w+)")
TEST = re.compile(r"^(?:BEHAVIOUR|PLAIN|SCENARIO|[A-Z_]*BEHAVIOUR)\((\w+)",
                  re.MULTILINE)
ASSERTION = re.compile(r"\b(?:ck_assert\w*|assert_\w+|expect_\w+)\s*\(")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


FUNCTION = re.compile(r"^([a-z]\w*)\([^{}]*?\)\n\{\n(.*?)^\}$",
                      re.MULTILINE | re.DOTALL)


def assertion_of(text):
    """What asserts in a file: assertions, and functions that use them."""
    functions = [(name, COMMENT.sub("", body))
                 for name, body in FUNCTION.findall(text)]
    names, pattern = set(), ASSERTION
    while True:
        more = {name for name, body in functions if pattern.search(body)}
        if more <= names:
            return pattern
        names |= more
        words = "|".join(map(re.escape, sorted(names)))
        pattern = re.compile(rf"{ASSERTION.pattern}|\b(?:{words})\b")


def tests_of(path):
    """Yield (test, key, counts) for each key in a file."""
    text = path.read_text()
    assertion = assertion_of(text)
    starts = [(m.start(), m.group(1)) for m in TEST.finditer(text)]
    for index, (start, name) in enumerate(starts):
        end = starts[index + 1][0] if index + 1 < len(starts) else len(text)
        close = text.find("\n}\n", start)
        end = min(end, close + 3) if close >= 0 else end
        # Comments and blank lines directly above belong to the test.
        before = text[:start]
        above = re.search(r"(?:/\*(?:[^*]|\*(?!/))*\*/\s*)*\Z", before)
        asserted = bool(assertion.search(COMMENT.sub("", text[start:end])))
        for key in KEY.finditer(above.group(0)):
            yield name, key.groups(), asserted
        body = text[start:end]
        for key in KEY.finditer(body):
            yield name, key.groups(), followed_by(assertion, body, key.end())


def followed_by(assertion, body, start):
    """Whether an assertion comes before the next key that is not directly
    below this one."""
    position = start
    for following in [*KEY.finditer(body, start), None]:
        end = following.start() if following else len(body)
        # Both ends may lie inside a comment.
        code = COMMENT.sub("", "/*" + body[position:end] + "*/").strip()
        if code or not following:
            return bool(assertion.search(code))
        position = following.end()


def passed_in(logs):
    """Names of the behaviours that passed, from the TAP in meson's logs."""
    names = set()
    for log in logs:
        for line in pathlib.Path(log).read_text().splitlines():
            out = json.loads(line).get("stdout", "")
            bad = set(re.findall(r"^not ok \d+ - [^:]*:(\w+):", out, re.M))
            names |= set(re.findall(r"^ok \d+ - [^:]*:(\w+):", out, re.M)) - bad
    return names


def listed_in(build_file):
    """The test sources that are built: layer/test_name.c."""
    text = build_file.read_text()
    listed = set()
    for layer, names in re.findall(r"^  '(\w+)': \[(.*?)^  \],", text,
                                   re.MULTILINE | re.DOTALL):
        listed |= {f"{layer}/test_{name}.c"
                   for name in re.findall(r"^\s*'([\w-]+)'", names, re.M)}
    return listed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("areas", nargs="*")
    parser.add_argument("--ran", action="append", default=[])
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    test = options.root / "test"

    with open(test / "parity/behaviours.tsv", newline="") as table:
        rows = list(csv.DictReader(table, delimiter="\t",
                                   quoting=csv.QUOTE_NONE))
    area_of = {(r["file"], r["class"], r["test"]): r["area"] for r in rows}
    problems = [f"no such area: {a}" for a in options.areas
                if a not in area_of.values()]
    ran = passed_in(options.ran) if options.ran else None
    listed = listed_in(test / "meson.build")
    covered = collections.defaultdict(list)
    for path in sorted(test.rglob("test_*.c")):
        where = str(path.relative_to(test))
        for name, key, counts in tests_of(path):
            if key not in area_of:
                problems.append(f"{where}: {name}: no row {' '.join(key)}")
            elif where not in listed:
                problems.append(f"{where}: {name}: not in test/meson.build")
            elif not counts:
                problems.append(f"{where}: {name}: no assertion about "
                                f"{' '.join(key)}")
            elif ran is None or name in ran:
                covered[key].append(f"{where}: {name}")

    totals = collections.defaultdict(lambda: [0, 0])
    for row in rows:
        key = (row["file"], row["class"], row["test"])
        totals[row["area"]][1] += 1
        totals[row["area"]][0] += key in covered
        if options.list and (not options.areas or row["area"] in options.areas):
            print("::".join(key), "->", "; ".join(covered[key]) if key in covered
                  else f"nothing: {row['behaviour']} ({row['applies']})")
    for area, (have, of) in sorted(totals.items()):
        print(f"{area:16} {have:4} of {of:4}  {100 * have / of:5.1f} %")
        if area in options.areas and have < of:
            problems.append(f"{area}: {of - have} rows without a test")
    print(*problems, f"{len(covered)} of {len(rows)} rows have a test", sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
