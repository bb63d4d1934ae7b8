/* SPDX-License-Identifier: MIT */
#ifndef FETCH_PAGE_H
#define FETCH_PAGE_H

#include "options.h"
#include "output.h"
#include "pool.h"
#include "stats.h"

/* What all requests share. */
struct session {
    const struct options *options;
    struct pool pool;
    struct stats stats;
};

/* One page, from its URL to what became of it. */
struct page {
    const char *text; /* the URL as it was given */
    unsigned number;  /* in the list */
    int status;       /* of the last response; 0 before */
    uint64_t bytes;   /* of its body */
    double latency;   /* of the last attempt, in seconds */
    double retry_after;
    unsigned retries, redirects;
    char reason[160]; /* of the failure */
};

/* Fetch a page, with redirects and retries. 0, or the error that remained
 * (ASYNCIO_ERR_FAILED for a status of 400 and above); the page knows the details. */
ASYNCIO_NODISCARD int page_fetch(struct session *session, struct page *page);

#endif
