/* SPDX-License-Identifier: MIT */
/*
 * StreamReaderProtocol: feeds a reader, and tells those who drain or wait for
 * the end.
 *
 * It is counted: its transport has a reference until `drop`, its writer one,
 * and the task that handles a client one until that has been dealt with. A
 * reader that nobody but the protocol holds is fed no more.
 *
 * Python counterpart: asyncio.StreamReaderProtocol.
 */
#include "base/alloc.h"
#include "base/block.h"
#include "io/stream.h"

static struct aio__stream_protocol *
self_of(asyncio_protocol_t *protocol)
{
    return aio__container_of(protocol, struct aio__stream_protocol, protocol);
}

static void
wake_all(struct aio__list *waiters, int code, asyncio_exception_t *exception)
{
    struct aio__list *link;

    while ((link = aio__list_pop_front(waiters)) != NULL) {
        struct aio__waiter *waiter =
            aio__container_of(link, struct aio__waiter, link);

        if (aio__wake(waiter, code))
            waiter->exception = aio__exception_ref(exception);
    }
}

static int
on_connection_lost(asyncio_protocol_t *protocol,
                   const asyncio_exception_t *exception)
{
    struct aio__stream_protocol *self = self_of(protocol);
    asyncio_exception_t *detail =
        (asyncio_exception_t *) (uintptr_t) exception;
    asyncio_stream_reader_t *reader = self->reader;

    self->lost = true;
    self->code = asyncio_exception_code(exception);
    self->exception = aio__exception_ref(detail);
    if (reader != NULL && detail == NULL)
        asyncio_stream_reader_feed_eof(reader);
    else if (reader != NULL)
        aio__reader_fail(reader, self->code, aio__exception_ref(detail));
    wake_all(&self->closes, self->code, detail);
    wake_all(&self->drains, self->code, detail);
    self->transport = NULL;
    self->reader = asyncio_stream_reader_unref(reader);
    self->writer = asyncio_stream_writer_unref(self->writer);
    return 0;
}

static int
on_pause_writing(asyncio_protocol_t *protocol)
{
    self_of(protocol)->paused = true;
    return 0;
}

static int
on_resume_writing(asyncio_protocol_t *protocol)
{
    struct aio__stream_protocol *self = self_of(protocol);

    self->paused = false;
    wake_all(&self->drains, 0, NULL);
    return 0;
}

static int
on_data_received(asyncio_protocol_t *protocol, const void *data, size_t size)
{
    asyncio_stream_reader_t *reader = self_of(protocol)->reader;

    if (aio__unlikely(reader == NULL || reader->refs == 1))
        return 0;
    return asyncio_stream_reader_feed_data(reader, data, size);
}

static int
on_eof_received(asyncio_protocol_t *protocol)
{
    struct aio__stream_protocol *self = self_of(protocol);

    if (self->reader != NULL)
        asyncio_stream_reader_feed_eof(self->reader);
    return !self->over_ssl;
}

/* The reader's tasks may read by themselves where nobody could tell: what comes
 * would have gone straight to this reader, in the loop that its tasks run in. */
static bool
may_pull(const struct aio__stream_protocol *self,
         const asyncio_transport_t *transport)
{
    return transport->type->settle != NULL && self->reader != NULL
        && transport->protocol == &self->protocol
        && self->protocol.data_received == on_data_received
        && self->protocol.eof_received == on_eof_received
        && self->reader->loop == transport->loop;
}

static int
on_connection_made(asyncio_protocol_t *protocol,
                   asyncio_transport_t *transport)
{
    struct aio__stream_protocol *self = self_of(protocol);
    int r = 0;

    self->transport = transport;
    if (self->reader != NULL)
        r = asyncio_stream_reader_set_transport(self->reader, transport);
    if (r >= 0 && may_pull(self, transport))
        transport->puller = self->reader;
    self->over_ssl =
        asyncio_transport_get_extra_info(transport, "sslcontext") != NULL;
    if (r >= 0 && self->service != NULL) {
        r = aio__service_client(self);
        if (r < 0)
            asyncio_transport_abort(transport);
    }
    return r;
}

static void
on_drop(asyncio_protocol_t *protocol)
{
    struct aio__stream_protocol *self = self_of(protocol);

    self->transport = NULL;
    if (!self->lost && self->writer != NULL)
        self->writer = asyncio_stream_writer_unref(self->writer);
    aio__stream_protocol_unref(self);
}

static const asyncio_protocol_t callbacks = {
    .connection_made = on_connection_made,
    .connection_lost = on_connection_lost,
    .pause_writing = on_pause_writing,
    .resume_writing = on_resume_writing,
    .data_received = on_data_received,
    .eof_received = on_eof_received,
    .drop = on_drop,
};

struct aio__stream_protocol *
aio__stream_protocol_of(asyncio_protocol_t *protocol)
{
    return protocol->data_received == on_data_received ? self_of(protocol)
                                                       : NULL;
}

void
aio__stream_protocol_unref(struct aio__stream_protocol *self)
{
    if (--self->refs > 0)
        return;
    asyncio_stream_reader_unref(self->reader);
    aio__exception_unref(self->exception);
    if (self->service != NULL)
        aio__service_unref(self->service);
    aio__loop_release(self->loop);
    aio__block_free(self, sizeof *self);
}

int
aio__stream_protocol_new(asyncio_loop_t *loop,
                         asyncio_stream_reader_t *reader,
                         struct aio__service *service,
                         struct aio__stream_protocol **ret_protocol)
{
    struct aio__stream_protocol *self = aio__block_alloc(sizeof *self);

    if (self == NULL)
        return UV_ENOMEM;
    *self = (struct aio__stream_protocol){
        .protocol = callbacks,
        .loop = loop,
        .refs = 1,
        .reader = asyncio_stream_reader_ref(reader),
        .service = service};
    if (service != NULL)
        service->refs++;
    aio__list_init(&self->drains);
    aio__list_init(&self->closes);
    aio__loop_hold(loop);
    *ret_protocol = self;
    return 0;
}

int
asyncio_stream_reader_protocol_new(asyncio_stream_reader_t *reader,
                                   asyncio_protocol_t **ret_protocol)
{
    asyncio_loop_t *loop = asyncio_get_event_loop();
    struct aio__stream_protocol *self;
    int r;

    if (loop == NULL)
        return asyncio_raise_at(ASYNCIO_ERR_NO_RUNNING_LOOP, NULL, 0,
                                "no running event loop");
    r = aio__stream_protocol_new(loop, reader, NULL, &self);
    if (r >= 0)
        *ret_protocol = &self->protocol;
    return r;
}
