/* SPDX-License-Identifier: MIT */
#ifndef BENCH_STATS_H
#define BENCH_STATS_H

#include <stddef.h>

struct stats {
    double median;
    double low, high; /* bootstrap 95 % interval of the median */
    double p99;
};

/* Sorts the values. */
struct stats stats_of(double *values, size_t n);

#endif
