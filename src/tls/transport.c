/* SPDX-License-Identifier: MIT */
/*
 * The program's transport of a TLS connection, and the protocol that the
 * transport below has in the program's place. Both are one struct; its own
 * reference belongs to the transport below, which drops it with the protocol.
 *
 * A failed handshake calls neither connection_made nor connection_lost,
 * except after start_tls, where connection_made was called before.
 *
 * Python counterpart: asyncio.sslproto._SSLProtocolTransport.
 */
#include "asyncio/constants.h"
#include "base/block.h"
#include "loop/report.h"
#include "tls/tls.h"

enum { CHUNK = 256 * 1024 }; /* bytes encrypted before they are handed down */

static struct aio__tls *
tls_of(asyncio_transport_t *transport)
{
    return aio__container_of(transport, struct aio__tls, base);
}

static void
tls_abort(asyncio_transport_t *transport)
{
    struct aio__tls *tls = tls_of(transport);

    if (transport->loop->forks != aio__forks)
        return;
    transport->closing = true;
    if (tls->state != AIO__TLS_NEW)
        tls->state = AIO__TLS_ENDED;
    aio__timerheap_remove(&transport->loop->timers, &tls->timer);
    if (tls->below != NULL && !tls->lost)
        asyncio_transport_abort(tls->below);
}

static void
tls_close(asyncio_transport_t *transport)
{
    struct aio__tls *tls = tls_of(transport);

    if (transport->closing || transport->loop->forks != aio__forks)
        return;
    if (tls->state == AIO__TLS_OPEN)
        aio__tls_shutdown(tls);
    else
        tls_abort(transport);
}

static bool
tls_is_reading(const asyncio_transport_t *transport)
{
    const struct aio__tls *tls =
        (const struct aio__tls *) (const void *) transport;

    return !transport->closing && !tls->paused;
}

static int
tls_pause_reading(asyncio_transport_t *transport)
{
    tls_of(transport)->paused = true;
    return 0;
}

static int
tls_resume_reading(asyncio_transport_t *transport)
{
    struct aio__tls *tls = tls_of(transport);

    if (!tls->paused || transport->closing) {
        tls->paused = false;
        return 0;
    }
    tls->paused = false;
    aio__transport_capture(transport);
    aio__event_post(transport->loop, &tls->resume_event);
    return 0;
}

static void
on_resume(struct aio__job *job)
{
    struct aio__tls *tls =
        aio__container_of(job, struct aio__tls, resume_event.job);
    asyncio_loop_t *loop = tls->base.loop;

    tls->resume_event.queued = false;
    loop->context = &tls->base.context;
    aio__tls_received(tls);
    loop->context = NULL;
}

static size_t
tls_buffered(const asyncio_transport_t *transport)
{
    const struct aio__tls *tls =
        (const struct aio__tls *) (const void *) transport;

    return aio__tls_buffer_size(&tls->out);
}

static void
lose_write(struct aio__tls *tls)
{
    if (tls->lost_writes >= AIO__LOST_WRITES_LOG)
        aio__log(ASYNCIO_LOG_WARNING, "SSL connection is closed");
    tls->lost_writes++;
}

/* Encrypt without handing down; false when the connection is over. */
static bool
encrypt(struct aio__tls *tls, const char *data, size_t size)
{
    while (size > 0) {
        size_t part = size < CHUNK ? size : CHUNK;
        size_t written = 0;
        int r;

        ERR_clear_error();
        r = SSL_write_ex(tls->ssl, data, part, &written);
        if (r != 1) {
            aio__tls_fail(tls, aio__tls_error(tls, r));
            return false;
        }
        data += written;
        size -= written;
        if (aio__tls_buffer_size(&tls->out) >= CHUNK)
            aio__tls_push(tls, false);
        if (tls->state != AIO__TLS_OPEN)
            return false;
    }
    return true;
}

static int
tls_writelines(asyncio_transport_t *transport, const asyncio_bytes_t *buffers,
               size_t count)
{
    struct aio__tls *tls = tls_of(transport);
    size_t size = 0;

    for (size_t i = 0; i < count; i++)
        size += buffers[i].size;
    if (transport->loop->forks != aio__forks || size == 0)
        return 0;
    if (tls->state != AIO__TLS_OPEN) {
        lose_write(tls);
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        if (!encrypt(tls, buffers[i].data, buffers[i].size))
            return 0;
    aio__tls_push(tls, false);
    aio__transport_grew(transport, aio__tls_buffer_size(&tls->out));
    return 0;
}

static int
tls_write(asyncio_transport_t *transport, const void *data, size_t size)
{
    return tls_writelines(transport, &(asyncio_bytes_t){data, size}, 1);
}

static void
tls_fini(asyncio_transport_t *transport)
{
    struct aio__tls *tls = tls_of(transport);

    SSL_free(tls->ssl);
    aio__tls_buffer_clear(&tls->in);
    aio__tls_buffer_clear(&tls->out);
    aio__tls_info_free(tls->info);
    aio__exception_unref(tls->exception);
    asyncio_transport_unref(tls->below);
    aio__ssl_context_unref(&tls->context->base);
}

static const struct aio__transport_type tls_type = {
    .name = "_SSLProtocolTransport",
    .size = sizeof(struct aio__tls),
    .high = ASYNCIO_FLOW_CONTROL_HIGH_WATER_SSL_WRITE,
    .carries_tls = true,
    .close = tls_close,
    .abort = tls_abort,
    .extra = aio__tls_extra,
    .is_reading = tls_is_reading,
    .pause_reading = tls_pause_reading,
    .resume_reading = tls_resume_reading,
    .write = tls_write,
    .writelines = tls_writelines,
    .buffered = tls_buffered,
    .fini = tls_fini,
};

/* The protocol of the transport below. */

static struct aio__tls *
self_of(asyncio_protocol_t *protocol)
{
    return aio__container_of(protocol, struct aio__tls, under);
}

static int
on_connection_made(asyncio_protocol_t *protocol, asyncio_transport_t *below)
{
    struct aio__tls *tls = self_of(protocol);

    if (tls->below == NULL)
        tls->below = asyncio_transport_ref(below);
    if (tls->base.closing)
        asyncio_transport_abort(below);
    else
        aio__tls_begin(tls);
    return 0;
}

static int
on_connection_lost(asyncio_protocol_t *protocol,
                   const asyncio_exception_t *exception)
{
    struct aio__tls *tls = self_of(protocol);
    asyncio_exception_t *detail = tls->exception != NULL
        ? tls->exception
        : (asyncio_exception_t *) (uintptr_t) exception;

    tls->lost = true;
    tls->state = AIO__TLS_ENDED;
    tls->base.closing = true;
    aio__timerheap_remove(&tls->base.loop->timers, &tls->timer);
    aio__event_withdraw(tls->base.loop, &tls->resume_event);
    aio__tls_buffer_clear(&tls->in);
    aio__tls_buffer_clear(&tls->out);
    aio__tls_settle(tls, detail != NULL ? detail->code : UV_ECONNABORTED,
                    detail);
    if (tls->made)
        aio__transport_lost(&tls->base, detail);
    return 0;
}

static int
on_pause_writing(asyncio_protocol_t *protocol)
{
    self_of(protocol)->below_full = true;
    return 0;
}

static int
on_resume_writing(asyncio_protocol_t *protocol)
{
    struct aio__tls *tls = self_of(protocol);

    tls->below_full = false;
    aio__tls_push(tls, false);
    aio__transport_shrank(&tls->base, aio__tls_buffer_size(&tls->out));
    return 0;
}

static int
on_data_received(asyncio_protocol_t *protocol, const void *data, size_t size)
{
    struct aio__tls *tls = self_of(protocol);

    if (tls->state == AIO__TLS_ENDED)
        return 0;
    if (aio__tls_buffer_add(&tls->in, data, size) < 0) {
        aio__tls_fail(tls, aio__exception_ref(aio__exception_of(UV_ENOMEM)));
        return 0;
    }
    aio__tls_received(tls);
    return 0;
}

static int
on_eof_received(asyncio_protocol_t *protocol)
{
    return aio__tls_ended(self_of(protocol));
}

static void
on_drop(asyncio_protocol_t *protocol)
{
    struct aio__tls *tls = self_of(protocol);
    asyncio_loop_t *loop = tls->base.loop;

    tls->lost = true;
    tls->state = AIO__TLS_ENDED;
    tls->base.closing = true;
    aio__timerheap_remove(&loop->timers, &tls->timer);
    aio__timerheap_release(&loop->timers, &tls->timer);
    aio__event_withdraw(loop, &tls->start_event);
    aio__event_withdraw(loop, &tls->resume_event);
    aio__transport_drop_protocol(&tls->base);
    asyncio_transport_unref(&tls->base);
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

/* The operations of a context. */

static void
on_start(struct aio__job *job)
{
    struct aio__tls *tls =
        aio__container_of(job, struct aio__tls, start_event.job);
    asyncio_loop_t *loop = tls->base.loop;

    tls->start_event.queued = false;
    loop->context = &tls->base.context;
    on_connection_made(&tls->under, tls->below);
    loop->context = NULL;
    (void) asyncio_transport_resume_reading(tls->below);
}

static int
check_timeout(const char *name, double seconds)
{
    if (seconds >= 0)
        return 0;
    return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                            "%s should be a positive number, got %g", name,
                            seconds);
}

static int
check_params(const struct aio__tls_context *context,
             const struct aio__tls_params *params)
{
    int r;

    r = check_timeout("ssl_handshake_timeout", params->handshake_timeout);
    if (r >= 0)
        r = check_timeout("ssl_shutdown_timeout", params->shutdown_timeout);
    if (r >= 0 && params->server_side != context->server)
        r = asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                             params->server_side
                                 ? "Server side SSL needs a context for "
                                   "servers"
                                 : "Client side SSL needs a context for "
                                   "clients");
    return r;
}

static int
make_ssl(struct aio__tls *tls, const struct aio__tls_params *params)
{
    BIO *bio;

    ERR_clear_error();
    tls->ssl = SSL_new(tls->context->ctx);
    bio = tls->ssl != NULL ? aio__tls_bio_new(tls) : NULL;
    if (bio == NULL)
        return UV_ENOMEM;
    SSL_set_bio(tls->ssl, bio, bio);
    if (params->server_side) {
        SSL_set_accept_state(tls->ssl);
        return 0;
    }
    SSL_set_connect_state(tls->ssl);
    return aio__tls_set_hostname(tls->context, tls->ssl,
                                 params->server_hostname);
}

int
aio__tls_wrap(asyncio_ssl_context_t *context,
              const struct aio__tls_params *params,
              asyncio_protocol_t **ret_protocol,
              asyncio_transport_t **ret_transport)
{
    struct aio__tls_context *own =
        aio__container_of(context, struct aio__tls_context, base);
    asyncio_loop_t *loop = params->loop;
    struct aio__tls *tls;
    struct aio__io *io;
    int r;

    r = check_params(own, params);
    if (r >= 0)
        r = aio__io_get(loop, &io);
    if (r < 0)
        return r;
    tls = aio__block_alloc(sizeof *tls);
    if (tls == NULL)
        return UV_ENOMEM;
    *tls = (struct aio__tls){.under = callbacks, .context = own};
    r = make_ssl(tls, params);
    if (r >= 0)
        r = aio__timerheap_reserve(&loop->timers, &tls->timer,
                                   aio__tls_on_timer);
    if (r < 0) {
        SSL_free(tls->ssl);
        aio__block_free(tls, sizeof *tls);
        return r;
    }
    aio__ssl_context_ref(context);
    aio__transport_init(&tls->base, &tls_type, loop, params->protocol);
    tls->made = params->made;
    tls->handshake_timeout = params->handshake_timeout > 0
        ? params->handshake_timeout
        : ASYNCIO_SSL_HANDSHAKE_TIMEOUT;
    tls->shutdown_timeout = params->shutdown_timeout > 0
        ? params->shutdown_timeout
        : ASYNCIO_SSL_SHUTDOWN_TIMEOUT;
    aio__event_init(&tls->start_event, on_start);
    aio__event_init(&tls->resume_event, on_resume);
    *ret_protocol = &tls->under;
    *ret_transport = &tls->base;
    return 0;
}

void
aio__tls_start(asyncio_transport_t *transport, asyncio_transport_t *socket)
{
    struct aio__tls *tls = tls_of(transport);

    tls->below = asyncio_transport_ref(socket);
    aio__event_post(transport->loop, &tls->start_event);
}

int
aio__tls_wait(asyncio_transport_t *transport)
{
    struct aio__tls *tls = tls_of(transport);
    struct aio__waiter waiter;
    int r;

    asyncio_transport_ref(transport);
    aio__waiter_init(&waiter, transport->loop, NULL);
    tls->waiter = &waiter;
    r = aio__wait(&waiter);
    if (tls->waiter == &waiter)
        tls->waiter = NULL;
    if (r < 0)
        asyncio_transport_close(transport);
    asyncio_transport_unref(transport);
    return r;
}
