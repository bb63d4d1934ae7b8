#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Count instructions, which do not depend on the machine, and fail when an
operation takes over 3 % more of them than instructions.json says.

An operation's count is the difference between two runs under callgrind that
differ in the number of operations, divided by that number: start and end of
the process cancel out. The clock is virtual, or the number of polls would
depend on time; for echo it is a round trip of one connection in the server.
Counts depend on the compiler, so the file has them by compiler; an unknown
one is skipped (status 77). `--update` writes the file, `--ratios` compares the
echo servers with plain libuv's at 64 connections.
"""

import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parent
NUMBERS = SOURCE / 'instructions.json'
ALLOWED = 1.03
SKIPPED = 77

# what: (program below the build directory, case, variant, fewer, more)
CASES = {
    'switch': ('switch', 'switch/0', 'libasyncio asm', 1000, 101000),
    'yield': ('cases/yield', 'yield/2', None, 1000, 21000),
    'create': ('cases/create', 'create', None, 1000, 11000),
    'wake': ('cases/future', 'future', None, 1000, 11000),
    'queue': ('cases/queue', 'queue', None, 1000, 11000),
}
SERVERS = {
    'echo': ('cases/echo_streams', 'serve/echo-streams'),
    'echo-protocol': ('cases/echo_protocol', 'serve/echo-protocol'),
    'echo-libuv': ('peers/libuv/uv_echo', 'serve/echo'),
}
ECHO_FEWER, ECHO_MORE = 1000, 6000


class Skip(Exception):
    """Cannot be counted here; the text says why."""


def collected(log):
    """The total of a callgrind log; the parent's is the last that counts."""
    totals = re.findall(r'Collected\s*:\s*(\d+)', log)
    if not totals:
        raise Skip(f'callgrind said nothing of use: {log.strip()[-300:]}')
    return int(totals[-1])


def callgrind(command):
    return ['valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null',
            *command]


def count_case(build, program, case, variant, operations):
    command = [str(build / program), '--core', 'none', '--case', case,
               '--operations', str(operations)]
    if variant:
        command += ['--peer', variant]
    done = subprocess.run(callgrind(command), capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        lines = [re.sub(r'^==\d+==', '', line).strip()
                 for line in done.stderr.splitlines()]
        raise Skip(' '.join(line for line in lines if line)[-200:])
    return collected(done.stderr)


def count_server(build, program, case, requests, connections):
    with tempfile.TemporaryFile('w+') as log:
        server = subprocess.Popen(
            callgrind([str(build / program), '--core', 'none', '--case',
                       case]),
            stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            words = server.stdout.readline().split()
            if len(words) != 2:
                raise Skip('the server did not start')
            subprocess.run(
                [str(build / 'load/echo_load'), '--port', words[1],
                 '--connections', str(connections),
                 '--requests', str(requests)],
                check=True, stdout=subprocess.DEVNULL, timeout=60)
        finally:
            server.terminate()
            server.wait(20)
        log.seek(0)
        return collected(log.read())


def measure(build, what, connections=1):
    """Instructions an operation. With one connection a pass is a request,
    so the count is the same every time."""
    if what in CASES:
        program, case, variant, fewer, more = CASES[what]
        counts = [count_case(build, program, case, variant, n)
                  for n in (fewer, more)]
    else:
        program, case = SERVERS[what]
        fewer, more = ECHO_FEWER, ECHO_MORE
        counts = [count_server(build, program, case, n, connections)
                  for n in (fewer, more)]
    return (counts[1] - counts[0]) / (more - fewer)


def compiler_of(build):
    """As every result of the harness says it, with the optimisation."""
    done = subprocess.run(
        [str(build / 'switch'), '--case', 'call', '--samples', '1', '--quick',
         '--json'], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Skip(done.stderr.strip())
    meta = json.loads(done.stdout.splitlines()[0])['meta']
    level = re.search(r'-O\w+', meta['flags'])
    name, version = meta['compiler'].split()[:2]
    major = version.split('.')[0]
    return f'{name} {major} {level.group() if level else ""}'.strip()


def check(build, whats, numbers, compiler):
    """The number of regressions; prints a line a case."""
    worse = 0
    known = numbers.get(compiler, {})
    for what in whats:
        now = measure(build, what)
        if what not in known:
            print(f'{what:<16}{now:>10.1f}   no number for {compiler}')
            continue
        change = now / known[what] - 1
        verdict = 'ok'
        if now > known[what] * ALLOWED:
            verdict = 'MORE than allowed'
            worse += 1
        elif now < known[what] / ALLOWED:
            verdict = 'fewer: instructions.py --update keeps it so'
        print(f'{what:<16}{now:>10.1f}{known[what]:>10.1f}{change:>+8.1%}'
              f'   {verdict}')
    return worse


def ratios(build):
    """User instructions of our echo servers beside plain libuv's."""
    libuv = measure(build, 'echo-libuv', connections=64)
    for what in ('echo-libuv', 'echo-protocol', 'echo'):
        count = measure(build, what, connections=64)
        print(f'{what:<16}{count:>10.1f}{count / libuv:>8.2f} x libuv')


def available(build):
    programs = {**CASES, **SERVERS}
    return [what for what, (program, *_) in programs.items()
            if (build / program).exists()]


def main():
    parser = argparse.ArgumentParser(
        description='Compare instruction counts with instructions.json.')
    parser.add_argument('--build', type=pathlib.Path,
                        default=SOURCE.parent / 'build' / 'bench')
    parser.add_argument('--update', action='store_true')
    parser.add_argument('--ratios', action='store_true')
    parser.add_argument('what', nargs='*',
                        help='switch yield create wake queue echo ...')
    options = parser.parse_args()
    if not shutil.which('valgrind'):
        raise Skip('needs valgrind: apt-get install valgrind')
    if options.ratios:
        ratios(options.build)
        return 0
    compiler = compiler_of(options.build)
    numbers = json.loads(NUMBERS.read_text()) if NUMBERS.exists() else {}
    whats = options.what or available(options.build)
    if options.update:
        for what in whats:
            number = round(measure(options.build, what), 1)
            numbers.setdefault(compiler, {})[what] = number
            print(f'{what:<16}{number:>10.1f}')
        NUMBERS.write_text(json.dumps(numbers, indent=2, sort_keys=True)
                           + '\n')
        return 0
    if compiler not in numbers:
        raise Skip(f'no numbers for {compiler}; --update writes them')
    return 1 if check(options.build, whats, numbers, compiler) else 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except Skip as why:
        print(f'skipped: {why}')
        sys.exit(SKIPPED)
