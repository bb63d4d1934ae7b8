/* SPDX-License-Identifier: MIT */
#ifndef AIO_RUN_GRAPH_H
#define AIO_RUN_GRAPH_H

/* What the pictures of who waits for whom have in common. */

#include "asyncio/graph.h"
#include "base/macros.h"
#include "loop/loop.h"

/* Text that goes into a buffer as far as it fits, and is counted. */
struct aio__text {
    char *buffer;
    size_t size;
    size_t length;
};

void aio__text_init(struct aio__text *text, char *buffer, size_t size);
__attribute__((format(printf, 2, 3))) void
aio__text_add(struct aio__text *text, const char *format, ...);

/* Its length, as functions return it. */
int aio__text_length(const struct aio__text *text);

/* Distinct futures; zeros for none. */
struct aio__awaiters {
    asyncio_future_t **list; /* borrowed */
    size_t count;
    size_t room;
};

/* Replace the list by those who wait for a future. 0 or UV_ENOMEM. */
int aio__awaiters_find(struct aio__awaiters *awaiters,
                       asyncio_future_t *future);
void aio__awaiters_fini(struct aio__awaiters *awaiters);

/* Is this the thread of the loop? 0 or an error. */
int aio__graph_thread(const asyncio_loop_t *loop);

#endif
