/* SPDX-License-Identifier: MIT */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include "bench.h"

enum { SAMPLES_MAX = 10000 };

struct options {
    const char *filter[64]; /* the cases asked for; none: all */
    int filters;
    const char *variant; /* of those, only this peer's; NULL: all */
    int samples; /* 0: as the case wants */
    uint64_t operations; /* run once with so many, print nothing; 0: measure */
    int core;    /* -1: we choose, -2: not pinned */
    bool list, quick, force, table;
};

/* False, and a usage message, when they make no sense. */
bool options_parse(struct options *options, int argc, char **argv);

/* Does the command line ask for this case? */
bool options_want(const struct options *options, const struct bench_case *c);

/* For the driver: the name, who, and "macro", "micro" or "server". */
void options_list(const struct bench_case *c, const char *peer);

/* A server only runs when it is asked for by name, and then for ever. */
bool is_server(const struct bench_case *c);

#endif
