/* SPDX-License-Identifier: MIT */
/*
 * What TLS reads from and writes to: memory, never a socket.
 *
 * OpenSSL gets one BIO for both directions. Reading it takes what the
 * transport below has delivered; with nothing left it says "again", or, after
 * the end of file, that this was all. Writing it always succeeds, as long as
 * there is memory: flow control is the business of the transports.
 *
 * Python counterpart: the two MemoryBIO of asyncio.sslproto.
 */
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "tls/tls.h"

static int
reserve(struct aio__tls_buffer *buffer, size_t size)
{
    size_t used = aio__tls_buffer_size(buffer);
    size_t room = buffer->room > 0 ? buffer->room : 1024;
    char *data;

    if (size > (size_t) PTRDIFF_MAX / 2 - used)
        return UV_ENOMEM;
    if (buffer->room - buffer->end >= size)
        return 0;
    if (buffer->start > 0) {
        memmove(buffer->data, buffer->data + buffer->start, used);
        buffer->start = 0;
        buffer->end = used;
    }
    while (room < used + size)
        room *= 2;
    if (room == buffer->room)
        return 0;
    data = aio__realloc(buffer->data, buffer->room, room);
    if (data == NULL)
        return UV_ENOMEM;
    buffer->data = data;
    buffer->room = room;
    return 0;
}

int
aio__tls_buffer_add(struct aio__tls_buffer *buffer, const void *data,
                    size_t size)
{
    int r;

    r = reserve(buffer, size);
    if (r < 0)
        return r;
    memcpy(buffer->data + buffer->end, data, size);
    buffer->end += size;
    return 0;
}

/* An idle connection keeps nothing. */
void
aio__tls_buffer_clear(struct aio__tls_buffer *buffer)
{
    if (buffer->data != NULL)
        aio__free(buffer->data, buffer->room);
    *buffer = (struct aio__tls_buffer){NULL, 0, 0, 0};
}

static int
bio_read(BIO *bio, char *data, int size)
{
    struct aio__tls *tls = BIO_get_data(bio);
    struct aio__tls_buffer *in = &tls->in;
    size_t n = aio__tls_buffer_size(in);

    BIO_clear_retry_flags(bio);
    if (size <= 0)
        return 0;
    if (n == 0 && tls->ended)
        return 0;
    if (n == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    if (n > (size_t) size)
        n = (size_t) size;
    memcpy(data, in->data + in->start, n);
    in->start += n;
    if (in->start == in->end)
        aio__tls_buffer_clear(in);
    return (int) n;
}

static int
bio_write(BIO *bio, const char *data, int size)
{
    struct aio__tls *tls = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (size <= 0)
        return 0;
    if (aio__tls_buffer_add(&tls->out, data, (size_t) size) < 0) {
        tls->nomem = true;
        return -1;
    }
    return size;
}

static long
bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    const struct aio__tls *tls = BIO_get_data(bio);

    (void) number;
    (void) pointer;
    switch (command) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_EOF:
        return tls->ended && aio__tls_buffer_size(&tls->in) == 0;
    case BIO_CTRL_PENDING:
        return (long) aio__tls_buffer_size(&tls->in);
    case BIO_CTRL_WPENDING:
        return (long) aio__tls_buffer_size(&tls->out);
    default:
        return 0;
    }
}

static BIO_METHOD *method; /* made once, lives for ever */

static void
make_method(void)
{
    BIO_METHOD *made = BIO_meth_new(
        BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "asyncio transport");

    if (made == NULL)
        return;
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_ctrl(made, bio_ctrl);
    method = made;
}

BIO *
aio__tls_bio_new(struct aio__tls *tls)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    BIO *bio;

    pthread_once(&once, make_method);
    if (method == NULL)
        return NULL;
    bio = BIO_new(method);
    if (bio == NULL)
        return NULL;
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    return bio;
}
