# SPDX-License-Identifier: MIT
"""The programs of the suite, and the cases in them.

Every executable under BUILD/cases and BUILD/peers/NAME is a program that
answers --list; so is the Python peer, which is not built. A peer that was not
built is reported with what to install.
"""

import dataclasses
import os
import pathlib
import subprocess
import sys

# Directory below peers/, what it is called, and what Debian calls it.
PEERS = [
    ('boost_context', 'Boost.Context', 'g++ libboost-context-dev'),
    ('boost_fiber', 'Boost.Fiber', 'g++ libboost-fiber-dev'),
    ('go', 'Go', 'golang-go'),
    ('libuv', 'libuv', 'libuv1-dev'),
    ('pthread', 'pthreads', 'libc6-dev'),
    ('state_threads', 'State Threads', 'libst-dev'),
    ('tokio', 'tokio', 'cargo librust-tokio-dev'),
]

# How the table is ordered; a group not named here comes last.
GROUPS = ['call', 'switch', 'yield', 'future', 'create', 'alive', 'cancel',
          'lock', 'event', 'queue', 'to_thread', 'gather', 'skynet', 'timers',
          'memory', 'echo', 'http']


@dataclasses.dataclass(frozen=True)
class Job:
    """One case of one program."""
    command: tuple
    case: str
    peer: str
    kind: str  # micro, macro, server


def rank(case):
    """Sorts cases by group, then by size as a number."""
    group, *rest = case.split('/')
    place = GROUPS.index(group) if group in GROUPS else len(GROUPS)
    numbers = [(0, int(part), '') if part.isdigit() else (1, 0, part)
               for part in rest]
    return place, group, numbers


def jobs_of(command):
    answer = subprocess.run([*command, '--list'], capture_output=True,
                            text=True, check=True)
    for line in answer.stdout.splitlines():
        case, peer, kind = line.split('\t')
        yield Job(tuple(command), case, peer, kind)


def executables(directory):
    if not directory.is_dir():
        return []
    return sorted(path for path in directory.iterdir()
                  if path.is_file() and os.access(path, os.X_OK)
                  and path.suffix in ('',))


def python_with(module):
    """A Python that has the module: this one, or the system's."""
    for python in (sys.executable, '/usr/bin/python3'):
        if os.path.exists(python) and subprocess.run(
                [python, '-c', f'import {module}'], check=False,
                stderr=subprocess.DEVNULL).returncode == 0:
            return python
    return None


def python_commands(source, skipped):
    main = str(source / 'peers/python/main.py')
    with_uvloop = python_with('uvloop')
    # The same interpreter for both, so that only the loop differs.
    yield [with_uvloop or sys.executable, '-B', main]
    if with_uvloop:
        yield [with_uvloop, '-B', main, '--uvloop']
    else:
        skipped.append(('uvloop', 'python3-uvloop'))


def find(source, build):
    """All jobs, and the peers that are missing as (name, packages)."""
    commands, skipped = [], []
    own = executables(build / 'cases')
    if (build / 'switch').exists():
        own.insert(0, build / 'switch')
    commands += [[str(path)] for path in own]
    for directory, name, packages in PEERS:
        found = executables(build / 'peers' / directory)
        commands += [[str(path)] for path in found]
        if not found:
            skipped.append((name, packages))
    commands += python_commands(source, skipped)
    return [job for command in commands for job in jobs_of(command)], skipped


def find_load(build):
    path = pathlib.Path(build) / 'load' / 'echo_load'
    return str(path) if path.exists() else None
