/* SPDX-License-Identifier: MIT */
/*
 * Median, its bootstrap 95 % interval, and the 99th percentile.
 *
 * Times are skewed to the right (something else ran meanwhile), so nothing here
 * assumes a distribution: the interval comes from medians of samples drawn
 * again, with replacement, from the samples. The draw is seeded the same every
 * time: the same samples give the same interval.
 */
#include "stats.h"
#include "bench.h"

#include <stdlib.h>
#include <string.h>

enum { RESAMPLES = 1000 };

static int
compare(const void *a, const void *b)
{
    double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

/* Of sorted values, between neighbours where the rank falls between two. */
static double
quantile(const double *sorted, size_t n, double q)
{
    double rank = q * (double) (n - 1);
    size_t below = (size_t) rank;
    if (below + 1 >= n)
        return sorted[n - 1];
    double part = rank - (double) below;
    return sorted[below] * (1 - part) + sorted[below + 1] * part;
}

struct stats
stats_of(double *values, size_t n)
{
    double medians[RESAMPLES];
    struct stats stats = {0};
    uint32_t seed = 1;

    if (n == 0)
        return stats;
    qsort(values, n, sizeof *values, compare);
    stats.median = quantile(values, n, 0.5);
    stats.p99 = quantile(values, n, 0.99);

    double *drawn = malloc(n * sizeof *drawn);
    if (drawn == NULL)
        abort();
    for (size_t i = 0; i < RESAMPLES; i++) {
        for (size_t k = 0; k < n; k++)
            drawn[k] = values[bench_random(&seed) % n];
        qsort(drawn, n, sizeof *drawn, compare);
        medians[i] = quantile(drawn, n, 0.5);
    }
    free(drawn);
    qsort(medians, RESAMPLES, sizeof *medians, compare);
    stats.low = quantile(medians, RESAMPLES, 0.025);
    stats.high = quantile(medians, RESAMPLES, 0.975);
    return stats;
}
