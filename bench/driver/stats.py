# SPDX-License-Identifier: MIT
"""Median, its bootstrap 95 % interval, and the 99th percentile; the same
definitions as harness/stats.c, on the samples of all processes together."""

import random


def quantile(ordered, q):
    rank = q * (len(ordered) - 1)
    below = int(rank)
    if below + 1 >= len(ordered):
        return ordered[-1]
    part = rank - below
    return ordered[below] * (1 - part) + ordered[below + 1] * part


def median(values):
    return quantile(sorted(values), 0.5)


def interval(values, resamples=1000):
    """The bootstrap 95 % interval of the median; seeded, so repeatable."""
    draw = random.Random(1)
    medians = sorted(median(draw.choices(values, k=len(values)))
                     for _ in range(resamples))
    return quantile(medians, 0.025), quantile(medians, 0.975)


def summary(values):
    low, high = interval(values)
    return {'median': median(values), 'low': low, 'high': high,
            'p99': quantile(sorted(values), 0.99)}
