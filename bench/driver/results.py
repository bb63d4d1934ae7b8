# SPDX-License-Identifier: MIT
"""The results of a run: samples by case, metric and peer, their statistics,
ratios to the best other, goals; to and from JSON and CSV."""

import csv
import json
import pathlib

from . import stats

OURS = 'libasyncio'


class Result:
    """All samples of one metric of one case of one peer."""

    def __init__(self, line):
        self.case, self.metric = line['case'], line['metric']
        self.peer, self.unit = line['peer'], line['unit']
        self.by = line['by'] if line.get('cpu') else 'wall'
        self.better = line.get('better', 'lower')
        self.macro = line.get('macro', False)
        self.meta = line.get('meta', {})
        self.values, self.cpu = [], []

    def add(self, line):
        self.values += line['values']
        self.cpu += line.get('cpu') or []

    def finish(self):
        """What is compared: CPU time where the case says so, else wall."""
        compared = self.cpu if self.by == 'cpu' and self.cpu else self.values
        self.stats = stats.summary(compared)
        self.wall_median = stats.median(self.values)
        self.cpu_median = stats.median(self.cpu) if self.cpu else None

    @property
    def ours(self):
        return self.peer.startswith(OURS)

    @property
    def median(self):
        return self.stats['median']

    def key(self):
        return self.case, self.metric, self.peer

    def to_json(self):
        return {'case': self.case, 'metric': self.metric, 'peer': self.peer,
                'unit': self.unit, 'by': self.by, 'better': self.better,
                'macro': self.macro, **self.stats,
                'wall_median': self.wall_median,
                'cpu_median': self.cpu_median, 'meta': self.meta,
                'values': self.values, 'cpu': self.cpu}


def collect(lines):
    """Results of the lines of many processes, in the order they came."""
    results = {}
    for line in lines:
        key = line['case'], line['metric'], line['peer']
        if key not in results:
            results[key] = Result(line)
        results[key].add(line)
    for result in results.values():
        result.finish()
    return list(results.values())


def best_other(results, result):
    """The best result of the same case and metric that is not ours."""
    others = [r for r in results if not r.ours and r.case == result.case
              and r.metric == result.metric and r.median > 0]
    if result.metric == 'mappings' or not others:
        return None
    choose = max if result.better == 'higher' else min
    return choose(others, key=lambda r: r.median)


def ratio(results, result):
    best = best_other(results, result)
    return result.median / best.median if best else None


class Run:
    def __init__(self, machine, results, skipped=(), failed=()):
        self.machine, self.results = machine, results
        self.skipped, self.failed = list(skipped), list(failed)

    def find(self, case, metric, peer):
        for result in self.results:
            if result.key() == (case, metric, peer):
                return result
        return None

    def save_json(self, path):
        text = json.dumps({
            'format': 1, 'machine': self.machine,
            'results': [r.to_json() for r in self.results],
            'skipped': self.skipped, 'failed': self.failed}, indent=1)
        pathlib.Path(path).write_text(text + '\n')

    def save_csv(self, path):
        columns = ['case', 'metric', 'peer', 'unit', 'by', 'median', 'low',
                   'high', 'p99', 'wall_median', 'cpu_median']
        shared = ['commit', 'compiler', 'flags', 'cpu', 'kernel', 'governor']
        with open(path, 'w', newline='', encoding='utf-8') as file:
            writer = csv.writer(file)
            writer.writerow([*columns, 'ratio', 'samples', *shared])
            for r in self.results:
                row = r.to_json()
                meta = {**self.machine, **r.meta}
                writer.writerow([*(row[name] for name in columns),
                                 ratio(self.results, r), len(r.values),
                                 *(meta.get(name, '') for name in shared)])


def load(path):
    data = json.loads(pathlib.Path(path).read_text())
    results = []
    for row in data['results']:
        result = Result(row)
        result.add(row)
        result.finish()
        results.append(result)
    return Run(data['machine'], results, data['skipped'], data['failed'])
