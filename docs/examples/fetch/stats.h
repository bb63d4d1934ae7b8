/* SPDX-License-Identifier: MIT */
#ifndef FETCH_STATS_H
#define FETCH_STATS_H

#include <stdint.h>
#include <stdio.h>

enum {
    KINDS_MAX = 16,
    KIND_SIZE = 40
};

/* What happened so far. Times are in seconds. */
struct stats {
    unsigned total;      /* pages to fetch */
    unsigned ok, failed; /* of them */
    unsigned redirects, retries;
    uint64_t bytes;      /* of bodies */
    double began, ended;
    double *latency;     /* of each page that is there, `ok` of them */
    struct {
        char name[KIND_SIZE];
        unsigned count;
    } kinds[KINDS_MAX]; /* of errors */
    unsigned kind_count;
};

int stats_init(struct stats *stats, unsigned total);
void stats_fini(struct stats *stats);

void stats_add_ok(struct stats *stats, double latency);
void stats_add_error(struct stats *stats, const char *kind);

/* The latency that so much of the pages (0 to 1) did not exceed. Sorts. */
double stats_percentile(struct stats *stats, double share);

/* A short name for an error code. */
const char *stats_kind(int code);

/* "48.2 MiB", "12.5 ms", "1,234": into `buffer`, which is returned. */
char *format_bytes(char *buffer, size_t size, double bytes);
char *format_seconds(char *buffer, size_t size, double seconds);
char *format_count(char *buffer, size_t size, double count);

#endif
