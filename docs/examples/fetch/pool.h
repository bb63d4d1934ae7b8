/* SPDX-License-Identifier: MIT */
#ifndef FETCH_POOL_H
#define FETCH_POOL_H

#include <asyncio.h>

#include "url.h"

struct connection {
    struct connection *next; /* while idle */
    asyncio_stream_reader_t *reader;
    asyncio_stream_writer_t *writer;
    char host[256];
    char port[6];
    bool tls;
    bool reused; /* whether a request was answered on it before */
};

/* Connections that wait for another request, the newest first. */
struct pool {
    struct connection *idle;
    unsigned idle_count;
    unsigned idle_max; /* these two: set before the first use */
    asyncio_ssl_context_t *ssl; /* for https; borrowed; NULL: the usual one */
    unsigned opened;
    unsigned reused;
};

/* An idle connection to the host of `url`, or a new one. */
ASYNCIO_NODISCARD int pool_get(struct pool *pool, const struct url *url,
                               struct connection **ret_connection);

/* Give it back: to be used again, or else to be dropped. */
void pool_put(struct pool *pool, struct connection *connection, bool keep);

/* Close what is idle. */
void pool_close(struct pool *pool);

#endif
