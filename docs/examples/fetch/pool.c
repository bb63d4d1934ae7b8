/* SPDX-License-Identifier: MIT */
/*
 * Connections that are kept alive for the next request to the same host.
 *
 * A server may close an idle connection at any time. What is known to be
 * closed is not handed out; the rest is a race that nobody can win, and the
 * caller sends the request again when it loses it (see page.c).
 */
#include "pool.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* Abort rather than close: nothing that waits to be sent matters any more,
 * and a server that does not read must not keep us waiting. */
static void
drop(struct connection *connection)
{
    asyncio_transport_abort(asyncio_stream_writer_transport(connection->writer));
    asyncio_stream_writer_unref(connection->writer);
    asyncio_stream_reader_unref(connection->reader);
    free(connection);
}

static bool
is_alive(const struct connection *connection)
{
    return !asyncio_stream_reader_at_eof(connection->reader)
           && asyncio_stream_reader_exception(connection->reader) == NULL
           && !asyncio_stream_writer_is_closing(connection->writer);
}

static struct connection *
take_idle(struct pool *pool, const struct url *url)
{
    struct connection **link = &pool->idle;

    while (*link != NULL) {
        struct connection *c = *link;
        bool alive = is_alive(c);

        if (alive
            && (c->tls != url->tls || strcmp(c->host, url->host) != 0
                || strcmp(c->port, url->port) != 0)) {
            link = &c->next;
            continue;
        }
        *link = c->next;
        pool->idle_count--;
        if (alive)
            return c;
        drop(c);
    }
    return NULL;
}

int
pool_get(struct pool *pool, const struct url *url,
         struct connection **ret_connection)
{
    struct connection *c = take_idle(pool, url);

    if (c != NULL) {
        c->reused = true;
        pool->reused++;
        *ret_connection = c;
        return 0;
    }
    c = calloc(1, sizeof *c);
    if (c == NULL)
        return UV_ENOMEM;
    strcpy(c->host, url->host);
    strcpy(c->port, url->port);
    c->tls = url->tls;
    asyncio_ssl_context_t *ssl = NULL;
    if (c->tls)
        ssl = pool->ssl != NULL ? pool->ssl : asyncio_ssl_context_default();
    int r = asyncio_open_connection(c->host, atoi(c->port), &c->reader,
                                    &c->writer, .happy_eyeballs_delay = 0.25,
                                    .ssl = ssl);
    if (r < 0) {
        free(c);
        return r;
    }
    pool->opened++;
    *ret_connection = c;
    return 0;
}

void
pool_put(struct pool *pool, struct connection *connection, bool keep)
{
    if (!keep || pool->idle_max == 0 || !is_alive(connection)) {
        drop(connection);
        return;
    }
    if (pool->idle_count == pool->idle_max) {
        struct connection **oldest = &pool->idle;

        while ((*oldest)->next != NULL)
            oldest = &(*oldest)->next;
        drop(*oldest);
        *oldest = NULL;
        pool->idle_count--;
    }
    connection->next = pool->idle;
    pool->idle = connection;
    pool->idle_count++;
}

void
pool_close(struct pool *pool)
{
    while (pool->idle != NULL) {
        struct connection *c = pool->idle;

        pool->idle = c->next;
        drop(c);
    }
    pool->idle_count = 0;
}
