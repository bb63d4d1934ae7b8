/* SPDX-License-Identifier: MIT */
/*
 * What all transports have in common: references, flow control, the calls of
 * the protocol, and the public functions, which go to the kind of transport.
 *
 * Python counterpart: asyncio.transports.
 */
#include "io/transport.h"

#include "base/block.h"
#include "loop/report.h"

static size_t
usual_high(const struct aio__transport_type *type)
{
    return type->high > 0 ? type->high : AIO__WRITE_HIGH;
}

static void
on_release(asyncio_context_t *context)
{
    asyncio_transport_t *transport =
        aio__container_of(context, asyncio_transport_t, context);

    aio__context_fini(context);
    aio__block_free(transport, transport->type->size);
}

void
aio__transport_init(asyncio_transport_t *transport,
                    const struct aio__transport_type *type,
                    asyncio_loop_t *loop, asyncio_protocol_t *protocol)
{
    transport->type = type;
    transport->loop = loop;
    transport->protocol = protocol;
    transport->high = usual_high(type);
    transport->low = usual_high(type) / 4;
    transport->refs = 1;
    transport->closing = false;
    transport->left_open = false;
    transport->protocol_paused = false;
    transport->unread = false;
    transport->puller = NULL;
    transport->pulling = NULL;
    transport->use = AIO__TRANSPORT_FREE;
    aio__context_init(&transport->context, aio__context_current()->map,
                      on_release);
    aio__loop_hold(loop);
}

void
aio__transport_capture(asyncio_transport_t *transport)
{
    struct aio__map *map = aio__context_current()->map;
    asyncio_context_t *context = &transport->context;

    /* Somebody who keeps the context sees no change in it. */
    if (map == context->map || atomic_load(&context->refs) != 1)
        return;
    aio__context_fini(context);
    if (map != NULL)
        context->map = aio__map_ref(map);
}

asyncio_transport_t *
asyncio_transport_ref(asyncio_transport_t *transport)
{
    if (transport != NULL)
        transport->refs++;
    return transport;
}

asyncio_transport_t *
asyncio_transport_unref(asyncio_transport_t *transport)
{
    if (transport == NULL || --transport->refs > 0)
        return NULL;
    if (transport->type->fini != NULL)
        transport->type->fini(transport);
    aio__loop_release(transport->loop);
    aio__context_drop(&transport->context);
    return NULL;
}

int
aio__transport_check_free(const asyncio_transport_t *transport,
                          const char *name)
{
    if (transport->use == AIO__TRANSPORT_SENDS_FILE)
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "unable to %s; sendfile is in progress", name);
    if (transport->use == AIO__TRANSPORT_UNDER_TLS)
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "unable to %s; the transport carries TLS",
                                name);
    return 0;
}

void
aio__transport_report(asyncio_transport_t *transport, int code,
                      const char *message)
{
    asyncio_exception_t *exception;

    if (code == ASYNCIO_ERR_INTERRUPTED || code == ASYNCIO_ERR_SYSTEM_EXIT) {
        aio__loop_interrupt(transport->loop, code);
        return;
    }
    exception = aio__raised(code);
    asyncio_loop_call_exception_handler(
        transport->loop,
        &(asyncio_exception_context_t){
            .size = sizeof(asyncio_exception_context_t),
            .message = message,
            .code = code,
            .exception = exception,
            .protocol = transport->protocol,
            .transport = transport,
            .socket = -1});
    aio__exception_unref(exception);
}

asyncio_exception_t *
aio__transport_detail(int code)
{
    asyncio_exception_t *exception = aio__raised(code);

    return exception != NULL ? exception : aio__exception_of(code);
}

void
aio__transport_pause_protocol(asyncio_transport_t *transport)
{
    asyncio_protocol_t *protocol = transport->protocol;
    int r;

    transport->protocol_paused = true;
    if (protocol == NULL || protocol->pause_writing == NULL)
        return;
    r = protocol->pause_writing(protocol);
    if (r < 0)
        aio__transport_report(transport, r,
                              "protocol.pause_writing() failed");
}

void
aio__transport_resume_protocol(asyncio_transport_t *transport)
{
    asyncio_protocol_t *protocol = transport->protocol;
    int r;

    transport->protocol_paused = false;
    if (protocol == NULL || protocol->resume_writing == NULL)
        return;
    r = protocol->resume_writing(protocol);
    if (r < 0)
        aio__transport_report(transport, r,
                              "protocol.resume_writing() failed");
}

void
aio__transport_made(asyncio_transport_t *transport)
{
    asyncio_protocol_t *protocol = transport->protocol;
    asyncio_loop_t *loop = transport->loop;
    int r;

    if (protocol == NULL || protocol->connection_made == NULL)
        return;
    loop->context = &transport->context;
    r = protocol->connection_made(protocol, transport);
    if (r < 0)
        aio__callback_failed(loop, r, NULL);
    loop->context = NULL;
}

void
aio__transport_ended(asyncio_transport_t *transport)
{
    asyncio_protocol_t *protocol = transport->protocol;
    asyncio_loop_t *loop = transport->loop;
    int r;

    if (protocol == NULL || protocol->eof_received == NULL)
        return;
    loop->context = &transport->context;
    r = protocol->eof_received(protocol);
    if (r < 0)
        aio__callback_failed(loop, r, NULL);
    loop->context = NULL;
}

void
aio__transport_lost(asyncio_transport_t *transport,
                    asyncio_exception_t *exception)
{
    asyncio_protocol_t *protocol = transport->protocol;
    asyncio_loop_t *loop = transport->loop;
    int r;

    if (protocol == NULL || protocol->connection_lost == NULL)
        return;
    loop->context = &transport->context;
    r = protocol->connection_lost(protocol, exception);
    if (r < 0)
        aio__callback_failed(loop, r, NULL);
    loop->context = NULL;
}

void
aio__transport_drop_protocol(asyncio_transport_t *transport)
{
    asyncio_protocol_t *protocol = transport->protocol;

    transport->protocol = NULL;
    if (protocol != NULL && protocol->drop != NULL)
        protocol->drop(protocol);
}

void
asyncio_transport_close(asyncio_transport_t *transport)
{
    transport->type->close(transport);
}

void
asyncio_transport_abort(asyncio_transport_t *transport)
{
    if (transport->type->abort != NULL)
        transport->type->abort(transport);
    else
        transport->type->close(transport);
}

bool
asyncio_transport_is_closing(const asyncio_transport_t *transport)
{
    aio__transport_settle(transport);
    return transport->closing;
}

const void *
asyncio_transport_get_extra_info(asyncio_transport_t *transport,
                                 const char *name)
{
    if (transport->type->extra == NULL || name == NULL)
        return NULL;
    return transport->type->extra(transport, name);
}

void
asyncio_transport_set_protocol(asyncio_transport_t *transport,
                               asyncio_protocol_t *protocol)
{
    aio__transport_settle(transport); /* for the former one */
    transport->puller = NULL;
    transport->pulling = NULL;
    transport->protocol = protocol;
}

asyncio_protocol_t *
asyncio_transport_get_protocol(const asyncio_transport_t *transport)
{
    return transport->protocol;
}

asyncio_loop_t *
asyncio_transport_get_loop(const asyncio_transport_t *transport)
{
    return transport->loop;
}

bool
asyncio_transport_is_reading(const asyncio_transport_t *transport)
{
    aio__transport_settle(transport);
    return transport->type->is_reading != NULL
        && transport->type->is_reading(transport);
}

int
asyncio_transport_pause_reading(asyncio_transport_t *transport)
{
    if (transport->type->pause_reading == NULL)
        return UV_ENOTSUP;
    aio__transport_settle(transport);
    return transport->type->pause_reading(transport);
}

int
asyncio_transport_resume_reading(asyncio_transport_t *transport)
{
    if (transport->type->resume_reading == NULL)
        return UV_ENOTSUP;
    aio__transport_settle(transport);
    return transport->type->resume_reading(transport);
}

int
asyncio_transport_write(asyncio_transport_t *transport, const void *data,
                        size_t size)
{
    if (aio__unlikely(transport->type->write == NULL))
        return UV_ENOTSUP;
    return transport->type->write(transport, data, size);
}

/* What joining and writing once is for those who cannot do better. */
static int
write_each(asyncio_transport_t *transport, const asyncio_bytes_t *buffers,
           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int r = asyncio_transport_write(transport, buffers[i].data,
                                        buffers[i].size);
        if (r < 0)
            return r;
    }
    return 0;
}

int
asyncio_transport_writelines(asyncio_transport_t *transport,
                             const asyncio_bytes_t *buffers, size_t count)
{
    if (transport->type->writelines == NULL)
        return write_each(transport, buffers, count);
    return transport->type->writelines(transport, buffers, count);
}

int
asyncio_transport_write_owned(asyncio_transport_t *transport, void *data,
                              size_t size, asyncio_drop_t drop)
{
    int r;

    if (transport->type->write_owned != NULL)
        return transport->type->write_owned(transport, data, size, drop);
    r = asyncio_transport_write(transport, data, size);
    if (drop != NULL)
        drop(data);
    return r;
}

int
asyncio_transport_write_eof(asyncio_transport_t *transport)
{
    if (transport->type->write_eof == NULL)
        return UV_ENOTSUP;
    return transport->type->write_eof(transport);
}

bool
asyncio_transport_can_write_eof(const asyncio_transport_t *transport)
{
    return transport->type->write_eof != NULL;
}

size_t
asyncio_transport_get_write_buffer_size(const asyncio_transport_t *transport)
{
    return transport->type->buffered != NULL
        ? transport->type->buffered(transport)
        : 0;
}

void
asyncio_transport_get_write_buffer_limits(const asyncio_transport_t *transport,
                                          size_t *ret_low, size_t *ret_high)
{
    if (ret_low != NULL)
        *ret_low = transport->low;
    if (ret_high != NULL)
        *ret_high = transport->high;
}

int
asyncio_transport_set_write_buffer_limits(asyncio_transport_t *transport,
                                          int64_t high, int64_t low)
{
    if (high == -1)
        high = low == -1 ? (int64_t) usual_high(transport->type) : 4 * low;
    if (low == -1)
        low = high / 4;
    if (low < 0 || high < low)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "high (%lld) must be >= low (%lld) must be "
                                ">= 0",
                                (long long) high, (long long) low);
    transport->high = (size_t) high;
    transport->low = (size_t) low;
    aio__transport_grew(transport,
                        asyncio_transport_get_write_buffer_size(transport));
    return 0;
}
