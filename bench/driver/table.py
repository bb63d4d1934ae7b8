# SPDX-License-Identifier: MIT
"""The table on the terminal: rows as they are measured, progress below."""

import shutil
import sys
import time

from . import results as model

HEAD = (f'{"":2}{"who":<24}{"median":>12}{"95 % interval":>24}'
        f'{"p99":>12}{"CPU":>16}{"x best":>9}')


def figure(value, unit=''):
    """Four digits, at most; 1234567 B is 1.235 MB."""
    if value is None:
        return ''
    if unit == 'B' and abs(value) >= 1e6:
        return f'{value / 1e6:.4g} MB'
    text = f'{value:.4g}' if abs(value) < 1e4 else f'{value:,.0f}'
    return f'{text} {unit}'.rstrip()


class Table:
    def __init__(self, stream=sys.stdout):
        self.stream = stream
        self.terminal = stream.isatty()
        self.begun = time.monotonic()

    def style(self, code, text):
        return f'\033[{code}m{text}\033[0m' if self.terminal else text

    def line(self, text=''):
        self.clear()
        print(text, file=self.stream, flush=True)

    def clear(self):
        if self.terminal:
            self.stream.write('\r\033[K')

    def progress(self, done, total, what):
        """One line that is written over; nothing when not on a terminal."""
        if not self.terminal:
            return
        seconds = time.monotonic() - self.begun
        left = seconds / done * (total - done) if done else 0
        width = 24
        bar = '█' * (done * width // total)
        text = (f'{bar:·<{width}} {100 * done // total:3} %  '
                f'{left:4.0f} s left  {what}')
        self.clear()
        self.stream.write(text[:shutil.get_terminal_size().columns - 1])
        self.stream.flush()

    def results(self, case, found):
        """All results of one case, best first, a block a metric."""
        metrics = list(dict.fromkeys(r.metric for r in found))
        for metric in metrics:
            rows = sorted((r for r in found if r.metric == metric),
                          key=lambda r: r.median,
                          reverse=any(r.better == 'higher' for r in found
                                      if r.metric == metric))
            compared = ('CPU' if rows[0].by == 'cpu'
                        else '' if metric == 'time' else metric)
            title = f'{case} {compared}'.rstrip()
            self.line()
            self.line(self.style('1', f'{title:<26}') + HEAD[26:])
            for row in rows:
                self.row(found, row)

    def row(self, found, r):
        ratio = model.ratio(found, r)
        cpu = figure(r.cpu_median, r.unit) if r.by != 'cpu' else \
            f'wall {figure(r.wall_median, r.unit)}'
        interval = f'{figure(r.stats["low"])} .. {figure(r.stats["high"])}'
        text = (f'{r.peer:<24}{figure(r.median, r.unit):>12}{interval:>24}'
                f'{figure(r.stats["p99"]):>12}{cpu:>16}'
                f'{"" if ratio is None else f"{ratio:.2f}":>9}')
        self.line((self.style('1;32', '▸ ' + text) if r.ours
                   else '  ' + text))

    def goals(self, verdicts):
        self.line()
        self.line(self.style('1', 'goals'))
        for v in verdicts:
            if v.measured is None:
                self.line(f'  ·  {v.text}: not measured')
                continue
            mark = (self.style('32', '✓') if v.met
                    else self.style('31', '✗'))
            against = f'   ({v.against})' if v.against else ''
            self.line(f'  {mark}  {v.text}: {figure(v.measured)}{against}')
