#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Are faults found? Plants those of *.faults in the library, one at a time.

    mutants.py [--dir DIRECTORY] [--only NAME]... [--sample N] [--suite NAME]...
               [--jobs N]
    mutants.py --list

For each it says by what it is found: by a unit test, or by so many programs
of the differential. Fails when less than 95 % are. Works in a directory of
its own; what was built there is used again.
"""

import argparse
import collections
import concurrent.futures
import datetime
import os
import pathlib
import random
import re
import shutil
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import build  # noqa: E402
import checks  # noqa: E402
import faults  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LAYERS = ["task", "sync", "loop", "run", "base", "sweep", "io"]
ENOUGH = 0.95
SURVIVED = "SURVIVED"
NOT_BUILT = "build failed"
GOLDEN = "test/differential/differential"
LEFT_OUT = ["test_task_many"]  # needs more memory than a fault is given


class Check:
    """Something that may find a fault."""

    def __init__(self, program, layer, env):
        self.program = program
        self.layer = layer
        self.name = program.rpartition("/")[2].removeprefix("test_")
        self.env = env
        self.seconds = 0.0

    def rank(self, fault):
        """What is near to the fault, and quick, comes first."""
        _, layer, file = fault.file.split("/")
        stem = file.split(".")[0].replace("_", "")
        own = self.name.removeprefix(self.layer + "_").replace("_", "")
        if self.layer == layer:
            near = 0 if own.startswith(stem) or stem.startswith(own) else 1
        elif self.layer == "differential":
            near = 2 if layer != "io" else 4
        else:
            near = 3
        return near, self.seconds

    def run(self, program, programs):
        if self.layer == "differential":
            return checks.run_golden(program, programs)
        return checks.run_check(program, self.env)


def checks_of(tests, suites):
    """The library's own tests, and the differential."""
    found = [Check(GOLDEN, "differential", {})]
    for test in tests:
        layer = test["suite"][0].split(":")[-1]
        name = os.path.basename(test["cmd"][0])
        if layer in LAYERS and name.startswith(f"test_{layer}_") \
                and name not in LEFT_OUT:
            found.append(Check("test/" + name, layer, test["env"]))
    return [check for check in found if not suites or check.layer in suites]


class Session:
    def __init__(self, directory, suites):
        self.dir = directory
        self.build = build.Build(ROOT, directory)
        self.checks = checks_of(self.build.tests, suites)
        self.build.make([check.program for check in self.checks])
        self.programs = directory / "programs"
        checks.write_programs(self.programs)

    def passes(self, check):
        begin = time.monotonic()
        failed = check.run(self.build.dir / check.program, self.programs)
        check.seconds = time.monotonic() - begin
        if failed:
            print(f"without any fault, {check.name} fails: {failed}")
        return not failed

    def sound(self, jobs):
        """Without a fault everything passes; how long that takes."""
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            return all(list(pool.map(self.passes, self.checks)))

    def find(self, fault):
        """What finds it: (kind, words)."""
        where = pathlib.Path(tempfile.mkdtemp(prefix=fault.name + "-",
                                              dir=self.dir))
        try:
            text = faults.plant(ROOT, fault)
            try:
                objects = self.build.mutant(fault.file, text, where)
            except build.BuildError as error:
                return NOT_BUILT, first_error(str(error))
            for check in sorted(self.checks, key=lambda c: c.rank(fault)):
                program = self.build.link(check.program, objects, where)
                failed = check.run(program, self.programs)
                program.unlink()
                if failed:
                    return check.layer, f"{check.name}: {failed}"
            return SURVIVED, ""
        finally:
            shutil.rmtree(where)


def first_error(output):
    """What the compiler says, in one line."""
    lines = [line for line in output.splitlines() if "error" in line]
    return re.sub(r"\x1b\[[0-9;]*[mK]", "", (lines or [output[-200:]])[0])


def choose(options):
    chosen = faults.load(HERE)
    for fault in chosen:
        faults.plant(ROOT, fault)
    if options.only:
        unknown = set(options.only) - {fault.name for fault in chosen}
        if unknown:
            raise faults.FaultError("no such fault: " + ", ".join(unknown))
        return [fault for fault in chosen if fault.name in options.only]
    if options.sample:
        today = datetime.date.today().toordinal()
        return random.Random(today).sample(chosen, options.sample)
    return chosen


def plant_all(session, chosen, jobs):
    """Print the table; the kinds of what found them."""
    kinds = collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        began = {pool.submit(session.find, fault): fault for fault in chosen}
        for future in concurrent.futures.as_completed(began):
            fault = began[future]
            kind, words = future.result()
            kinds[kind] += 1
            shown = f"{kind}: {words}" if kind == NOT_BUILT else words or kind
            print(f"{fault.name:32} {fault.file:26} {shown}", flush=True)
    return kinds


def summary(kinds):
    count = sum(kinds.values())
    lost = kinds[SURVIVED] + kinds[NOT_BUILT]
    units = count - lost - kinds["differential"]
    print(f"{count - lost} of {count} faults were found, "
          f"{100 * (count - lost) / count:.1f} %: {units} by unit tests, "
          f"{kinds['differential']} by the differential")
    return (count - lost) / count >= ENOUGH


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dir", type=pathlib.Path,
                        help="where to build (default: a new one, removed)")
    parser.add_argument("--only", action="append", metavar="NAME")
    parser.add_argument("--sample", type=int, metavar="N",
                        help="so many faults, others every day")
    parser.add_argument("--suite", action="append", metavar="NAME",
                        choices=[*LAYERS, "differential"],
                        help="only what these find")
    parser.add_argument("--jobs", type=int, metavar="N",
                        default=max(1, len(os.sched_getaffinity(0))))
    parser.add_argument("--list", action="store_true")
    return parser.parse_args()


def main():
    options = arguments()
    try:
        chosen = choose(options)
    except faults.FaultError as error:
        sys.exit(f"mutants: {error}")
    if options.list:
        for fault in chosen:
            print(f"{fault.name:32} {fault.file:26} {fault.sentence}")
        print(f"{len(chosen)} faults")
        return 0
    os.nice(max(0, 10 - os.nice(0)))
    own = None if options.dir else tempfile.mkdtemp(prefix="mutants-")
    directory = pathlib.Path(own or options.dir).resolve()
    directory.mkdir(parents=True, exist_ok=True)
    try:
        session = Session(directory, options.suite)
        if not session.sound(options.jobs):
            return 1
        return 0 if summary(plant_all(session, chosen, options.jobs)) else 1
    except build.BuildError as error:
        sys.exit(f"mutants: {str(error)[-3000:]}")
    finally:
        if own:
            shutil.rmtree(own)


if __name__ == "__main__":
    sys.exit(main())
