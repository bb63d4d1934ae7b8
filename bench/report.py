#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One self-contained page of a run of run.py --json, or of two compared."""

import argparse
import pathlib

from driver import page, results


def main():
    parser = argparse.ArgumentParser(
        description='Draw a run, or two: the first is then the older.')
    parser.add_argument('runs', nargs='+', type=pathlib.Path,
                        metavar='RESULTS.json')
    parser.add_argument('--output', '-o', type=pathlib.Path,
                        default=pathlib.Path('report.html'))
    options = parser.parse_args()
    if len(options.runs) > 2:
        parser.error('one run, or two to compare')
    *older, newest = [results.load(path) for path in options.runs]
    options.output.write_text(page.render(newest, *older), encoding='utf-8')
    print(options.output)


if __name__ == '__main__':
    main()
