#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run the benchmarks of libasyncio and of its peers, and compare them.

Case by case, every peer runs in processes of its own, interleaved in random
order; samples of all processes are taken together. See docs/benchmarks.md.
"""

import argparse
import fnmatch
import os
import pathlib
import random
import resource
import sys

from driver import execute, goals, machine, programs, results, table

SOURCE = pathlib.Path(__file__).resolve().parent

# (rounds, samples a round); a macro case is one sample a process
MICRO, MICRO_QUICK = (5, 10), (2, 5)
MACRO, MACRO_QUICK = (7, 1), (1, 1)
TOO_LONG_FOR_QUICK = ('1000000', 'skynet')


def parse():
    parser = argparse.ArgumentParser(
        description='Run the benchmarks and compare them.')
    parser.add_argument('--build', type=pathlib.Path,
                        default=SOURCE.parent / 'build' / 'bench',
                        help='where bench/ was built (build/bench)')
    parser.add_argument('--filter', action='append', default=[],
                        metavar='GLOB',
                        help='cases, as yield/* (again for more)')
    parser.add_argument('--peer', action='append', default=[], metavar='GLOB',
                        help='who, as "tokio" or "libasyncio*"')
    parser.add_argument('--quick', action='store_true',
                        help='fewer and shorter samples, no million tasks')
    parser.add_argument('--json', type=pathlib.Path, metavar='FILE')
    parser.add_argument('--csv', type=pathlib.Path, metavar='FILE')
    parser.add_argument('--by', choices=['case', 'cpu'], default='case',
                        help='compare CPU time everywhere, not only in the '
                        'cases that ask for it: for a busy machine')
    parser.add_argument('--core', type=int,
                        help='what is measured runs there (default: the last)')
    parser.add_argument('--seed', type=int, help='of the process order')
    parser.add_argument('--list', action='store_true',
                        help='the cases and who has them')
    parser.add_argument('--force', action='store_true',
                        help='measure an unoptimised build, too')
    return parser.parse_args()


def matches(name, globs):
    return not globs or any(fnmatch.fnmatchcase(name, g)
                            or name.startswith(g + '/') for g in globs)


def plan(jobs, options, setup):
    """Case by case: who measures it, as (label, function(samples))."""
    cases = {}

    def add(case, label, macro, run):
        long = any(part in TOO_LONG_FOR_QUICK for part in case.split('/'))
        if not matches(case, options.filter) or \
                not matches(label, options.peer) or \
                (options.quick and long and not options.filter):
            return
        cases.setdefault(case, []).append((label, macro, run))

    for job in jobs:
        if job.kind != 'server':
            add(job.case, job.peer, job.kind == 'macro',
                lambda n, job=job: execute.run_case(job, setup, n))
        elif setup.load:
            for case in execute.ECHO:
                add(case, execute.server_label(job), True,
                    lambda n, job=job, case=case:
                        execute.run_echo(job, case, setup))
    return dict(sorted(cases.items(), key=lambda item: programs.rank(item[0])))


def rounds_of(macro, quick):
    if macro:
        return MACRO_QUICK if quick else MACRO
    return MICRO_QUICK if quick else MICRO


class Measuring:
    """Runs a plan; keeps the lines, and who failed and why."""

    def __init__(self, cases, options, out):
        self.cases, self.options, self.out = cases, options, out
        self.total = sum(rounds_of(macro, options.quick)[0]
                         for who in cases.values() for _, macro, _ in who)
        self.done = 0
        self.lines, self.failed = [], {}

    def one(self, case, label, run, samples):
        self.out.progress(self.done, self.total, f'{case}  {label}')
        self.done += 1
        if (case, label) in self.failed:
            return []
        try:
            lines = run(samples)
        except execute.Failed as error:
            self.failed[case, label] = str(error)
            return []
        if self.options.by == 'cpu':
            for line in lines:
                line['by'] = 'cpu'
        return lines

    def case(self, case, who):
        lines = []
        most = max(rounds_of(macro, self.options.quick)[0]
                   for _, macro, _ in who)
        for i in range(most):
            for label, macro, run in random.sample(who, len(who)):
                rounds, samples = rounds_of(macro, self.options.quick)
                if i < rounds:
                    lines += self.one(case, label, run, samples)
        self.lines += lines
        self.out.results(case, results.collect(lines))

    def all(self):
        for case, who in self.cases.items():
            self.case(case, who)


def limits():
    """Thousands of connections need as many files."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def report(run, out, options):
    if any(r.ours for r in run.results):
        out.goals(goals.judge_all(run))
    if run.failed:
        out.line()
    for case, label, why in run.failed:
        out.line(f'failed: {case} {label}: {why}')
    if options.json:
        run.save_json(options.json)
    if options.csv:
        run.save_csv(options.csv)


def main():
    options = parse()
    out = table.Table()
    jobs, skipped = programs.find(SOURCE, options.build)
    if not (options.build / 'load').is_dir():
        sys.exit(f'{options.build}: nothing built here; first: '
                 'meson setup build && meson compile -C build')
    cores = sorted(os.sched_getaffinity(0))
    if options.core is not None:
        cores.append(options.core)
    setup = execute.Setup(options.quick, options.force, cores,
                          programs.find_load(options.build))
    random.seed(options.seed)
    limits()
    cases = plan(jobs, options, setup)
    if options.list:
        for case, who in cases.items():
            print(f'{case:<20}', ', '.join(label for label, _, _ in who))
        return
    for name, packages in skipped:
        out.line(f'skipped: {name}: not installed; '
                 f'apt-get install {packages}, and build again')
    described = machine.describe(SOURCE)
    out.line(f'{described["cpu"]}, {described["kernel"]}, '
             f'commit {described["commit"]}')
    if described['load'] > 0.5 * len(cores):
        out.line(f'note: others use this machine (load '
                 f'{described["load"]:.1f}); trust CPU more than wall time')
    measuring = Measuring(cases, options, out)
    web = any(case.startswith('http/') for case in cases)
    try:
        if web:
            with execute.Nginx(setup) as setup.http_port:
                if setup.http_port is None:
                    out.line('skipped: http: apt-get install nginx')
                measuring.all()
        else:
            measuring.all()
    except KeyboardInterrupt:
        out.line('interrupted: what was measured so far counts')
    out.clear()
    failed = [(*key, why) for key, why in measuring.failed.items()]
    report(results.Run(described, results.collect(measuring.lines), skipped,
                       failed), out, options)


if __name__ == '__main__':
    main()
