/* SPDX-License-Identifier: MIT */
#ifndef AIO_IO_WQUEUE_H
#define AIO_IO_WQUEUE_H

/* Bytes that wait to be sent. */

#include <sys/uio.h>

#include "asyncio/transports.h"

struct aio__chunk;

struct aio__wqueue {
    struct aio__chunk *head;
    struct aio__chunk **tail; /* where the next one is linked */
    struct aio__chunk *last;  /* copies may be appended to it; or NULL */
    size_t size;              /* bytes */
};

void aio__wqueue_init(struct aio__wqueue *queue);

/* After this, copies of so many bytes do not fail. 0 or UV_ENOMEM. */
int aio__wqueue_room(struct aio__wqueue *queue, size_t size);

/* Append a copy. 0 or UV_ENOMEM, then nothing has changed. */
int aio__wqueue_copy(struct aio__wqueue *queue, const void *data, size_t size);

/* Append memory that is given to `drop` when it is sent or thrown away; of
 * it, `skip` bytes are sent already. On failure `drop` is not called. */
int aio__wqueue_own(struct aio__wqueue *queue, void *data, size_t size,
                    size_t skip, asyncio_drop_t drop);

/* What to send next, at most `max` pieces; how many there are. */
int aio__wqueue_peek(const struct aio__wqueue *queue, struct iovec *iov,
                     int max);

/* So many bytes were sent. */
void aio__wqueue_sent(struct aio__wqueue *queue, size_t size);

void aio__wqueue_clear(struct aio__wqueue *queue);

#endif
