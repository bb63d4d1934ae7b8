# SPDX-License-Identifier: MIT
"""The harness in Python: the options and lines of harness/bench.c, without the
statistics, which the driver computes for everyone. asyncio.run() runs a case,
on uvloop if the program was started with --uvloop."""

import argparse
import asyncio
import json
import os
import platform
import sys
import time


class Bench:
    """One run of a case: do n operations between start() and stop()."""

    def __init__(self, n, arg):
        self.n, self.arg = n, arg
        self.wall = self.cpu = 0
        self.metrics = {}

    def start(self):
        self._cpu = time.process_time_ns()
        self._wall = time.perf_counter_ns()

    def stop(self):
        self.wall += time.perf_counter_ns() - self._wall
        self.cpu += time.process_time_ns() - self._cpu

    def memory_since(self, before):
        now = memory()
        self.metrics = {
            'rss': ('B', (now[0] - before[0]) / self.arg),
            'page tables': ('B', (now[1] - before[1]) / self.arg),
            'mappings': ('', now[2] - before[2]),
        }


def memory():
    with open('/proc/self/status') as file:
        status = dict(line.split(':', 1) for line in file)
    with open('/proc/self/maps') as file:
        maps = sum(1 for _ in file)
    return (int(status['VmRSS'].split()[0]) * 1024,
            int(status['VmPTE'].split()[0]) * 1024, maps)


def random_ms(count):
    """The same sequence as bench_random() in C, modulo 1001."""
    state, values = 42, []
    for _ in range(count):
        state ^= state << 13 & 0xffffffff
        state ^= state >> 17
        state ^= state << 5 & 0xffffffff
        values.append(state % 1001)
    return values


class Case:
    def __init__(self, name, run, arg=0, n=0, unit='ns', macro=False,
                 by='wall'):
        self.name, self.run, self.arg, self.n = name, run, arg, n
        self.unit, self.macro, self.by = unit, macro, by

    def kind(self):
        if self.name.startswith('serve/'):
            return 'server'
        return 'macro' if self.macro else 'micro'

    def run_once(self, n):
        bench = Bench(n, self.arg)
        asyncio.run(self.run(bench))
        return bench

    def choose_n(self, want_ns):
        n = self.n or 64
        while not self.n and self.run_once(n).wall < want_ns:
            n *= 2
        return n


def measure(case, peer, samples, want_ns):
    n = case.choose_n(want_ns)
    if not case.macro:
        case.run_once(n)
    count = samples or (1 if case.macro else 30)
    runs = [case.run_once(n) for _ in range(count)]
    scale = {'ns': 1, 'us': 1e3, 'ms': 1e6, 's': 1e9}[case.unit] * n

    def line(metric, unit, values, cpu=()):
        print(json.dumps({
            'v': 1, 'case': case.name, 'metric': metric, 'peer': peer,
            'unit': unit, 'by': case.by if cpu else 'wall',
            'macro': case.macro, 'n': n, 'values': values, 'cpu': list(cpu),
            'meta': {'compiler': f'CPython {platform.python_version()}'}}))

    if runs[0].wall:
        line('time', case.unit, [run.wall / scale for run in runs],
             [run.cpu / scale for run in runs])
    for name, (unit, _) in runs[0].metrics.items():
        line(name, unit, [run.metrics[name][1] for run in runs])


def http_port():
    if 'BENCH_HTTP_PORT' not in os.environ:
        print('needs a web server: run it by bench/run.py', file=sys.stderr)
        sys.exit(77)
    return int(os.environ['BENCH_HTTP_PORT'])


def main(cases):
    parser = argparse.ArgumentParser()
    parser.add_argument('--list', action='store_true')
    parser.add_argument('--case', action='append', default=[])
    parser.add_argument('--peer')
    parser.add_argument('--samples', type=int, default=0)
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--json', action='store_true')
    parser.add_argument('--uvloop', action='store_true')
    options = parser.parse_args()
    peer = 'CPython asyncio'
    if options.uvloop:
        import uvloop
        uvloop.install()
        peer = 'uvloop'
    for case in cases:
        if options.list:
            print(case.name, peer, case.kind(), sep='\t')
        elif case.name in options.case and case.kind() == 'server':
            case.run_once(0)
        elif case.name in options.case or (
                not options.case and case.kind() != 'server'):
            measure(case, peer, options.samples,
                    2e6 if options.quick else 10e6)
