/* SPDX-License-Identifier: MIT */
/*
 * Bytes that wait to be sent: a list of chunks, each a copy or memory that
 * was handed over.
 *
 * Small writes behind a full socket share a chunk, so that a program which
 * writes byte by byte does not allocate for each.
 *
 * Python counterpart: the deque of _SelectorSocketTransport.
 */
#include "io/wqueue.h"

#include <string.h>
#include <uv.h>

#include "base/alloc.h"

enum { CHUNK_MIN = 4096 }; /* bytes of a chunk that copies are added to */

struct aio__chunk {
    struct aio__chunk *next;
    char *data;          /* `bytes`, or what was handed over */
    size_t start;        /* first byte not sent */
    size_t end;          /* behind the last one */
    size_t room;         /* bytes allocated behind the struct */
    asyncio_drop_t drop; /* of data; NULL for copies */
    char bytes[];
};

void
aio__wqueue_init(struct aio__wqueue *queue)
{
    queue->head = NULL;
    queue->tail = &queue->head;
    queue->last = NULL;
    queue->size = 0;
}

static struct aio__chunk *
append(struct aio__wqueue *queue, size_t room)
{
    struct aio__chunk *chunk = aio__alloc(sizeof *chunk + room);

    if (chunk == NULL)
        return NULL;
    chunk->next = NULL;
    chunk->room = room;
    chunk->start = 0;
    chunk->drop = NULL;
    *queue->tail = chunk;
    queue->tail = &chunk->next;
    return chunk;
}

int
aio__wqueue_room(struct aio__wqueue *queue, size_t size)
{
    struct aio__chunk *last = queue->last;

    if (last != NULL && last->room - last->end >= size)
        return 0;
    last = append(queue, size < CHUNK_MIN ? (size_t) CHUNK_MIN : size);
    if (last == NULL)
        return UV_ENOMEM;
    last->data = last->bytes;
    last->end = 0;
    queue->last = last;
    return 0;
}

int
aio__wqueue_copy(struct aio__wqueue *queue, const void *data, size_t size)
{
    struct aio__chunk *last;
    int r = aio__wqueue_room(queue, size);

    if (r < 0)
        return r;
    last = queue->last;
    memcpy(last->data + last->end, data, size);
    last->end += size;
    queue->size += size;
    return 0;
}

int
aio__wqueue_own(struct aio__wqueue *queue, void *data, size_t size,
                size_t skip, asyncio_drop_t drop)
{
    struct aio__chunk *chunk = append(queue, 0);

    if (chunk == NULL)
        return UV_ENOMEM;
    chunk->data = data;
    chunk->start = skip;
    chunk->end = size;
    chunk->drop = drop;
    queue->last = NULL;
    queue->size += size - skip;
    return 0;
}

int
aio__wqueue_peek(const struct aio__wqueue *queue, struct iovec *iov, int max)
{
    int n = 0;

    for (struct aio__chunk *c = queue->head; c != NULL && n < max; c = c->next)
        iov[n++] = (struct iovec){.iov_base = c->data + c->start,
                                  .iov_len = c->end - c->start};
    return n;
}

static void
drop_head(struct aio__wqueue *queue)
{
    struct aio__chunk *chunk = queue->head;

    queue->head = chunk->next;
    if (queue->head == NULL) {
        queue->tail = &queue->head;
        queue->last = NULL;
    }
    if (chunk->drop != NULL)
        chunk->drop(chunk->data);
    aio__free(chunk, sizeof *chunk + chunk->room);
}

void
aio__wqueue_sent(struct aio__wqueue *queue, size_t size)
{
    queue->size -= size;
    while (queue->head != NULL) {
        size_t left = queue->head->end - queue->head->start;

        if (size < left) {
            queue->head->start += size;
            return;
        }
        size -= left;
        drop_head(queue);
    }
}

void
aio__wqueue_clear(struct aio__wqueue *queue)
{
    while (queue->head != NULL)
        drop_head(queue);
    queue->size = 0;
}
