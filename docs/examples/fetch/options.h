/* SPDX-License-Identifier: MIT */
#ifndef FETCH_OPTIONS_H
#define FETCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct options {
    const char *output; /* directory; NULL: bodies are thrown away */
    double timeout;     /* of an attempt, in seconds */
    uint64_t max_size;  /* of a page, in bytes; 0: any */
    unsigned concurrency;
    unsigned retries;
    unsigned max_redirects;
    bool verbose; /* a line for each page, on a terminal, too */
    bool quiet;   /* errors only */
    bool insecure;      /* https without looking at certificates */
    const char *cacert; /* more authorities to trust, PEM; or NULL */
    char **urls;  /* none: of the demonstration */
    unsigned url_count;
};

/* Parse the command line, and read URLs from standard input if they are
 * there. -1 to go on, else the exit status. */
int options_parse(struct options *options, int argc, char **argv);
void options_fini(struct options *options);

#endif
