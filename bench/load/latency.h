/* SPDX-License-Identifier: MIT */
/*
 * Latencies in buckets of 3 % (32 to a power of two), so that millions of them
 * cost a fixed 16 KiB and no sorting.
 */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include <stdint.h>

enum { LATENCY_STEPS = 32, LATENCY_BUCKETS = 64 * LATENCY_STEPS };

struct latency {
    uint64_t total;
    uint64_t count[LATENCY_BUCKETS];
};

static inline void
latency_add(struct latency *latency, double ns)
{
    uint64_t v = ns < LATENCY_STEPS ? LATENCY_STEPS : (uint64_t) ns;
    unsigned power = 63 - (unsigned) __builtin_clzll(v);
    unsigned step = (unsigned) (v >> (power - 5)) & (LATENCY_STEPS - 1);

    latency->count[power * LATENCY_STEPS + step]++;
    latency->total++;
}

/* The lower end of the bucket that holds the quantile, in nanoseconds. */
static inline double
latency_quantile(const struct latency *latency, double q)
{
    uint64_t rank = (uint64_t) (q * (double) latency->total), seen = 0;

    for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
        seen += latency->count[i];
        if (seen > rank)
            return (double) (UINT64_C(1) << (i / LATENCY_STEPS))
                   * (1 + (double) (i % LATENCY_STEPS) / LATENCY_STEPS);
    }
    return 0;
}

#endif
