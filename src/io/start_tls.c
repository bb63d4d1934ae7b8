/* SPDX-License-Identifier: MIT */
/*
 * start_tls: TLS on a connection that has begun without it.
 *
 * Reading is paused until the new protocol has begun, so that the first bytes
 * of the handshake are not taken for the program's. The layer above is
 * reached through the context's operations only. A second start_tls on the
 * same transport would put out the first one's protocol, and is refused.
 *
 * Python counterpart: loop.start_tls and StreamWriter.start_tls.
 */
#include "io/connect.h"
#include "io/stream.h"

static int
check(asyncio_loop_t *loop, asyncio_transport_t *transport,
      asyncio_protocol_t *protocol, asyncio_ssl_context_t *context)
{
    asyncio_loop_t *running;
    int r;

    r = aio__fiber_running(&running);
    if (r < 0)
        return r;
    if (transport == NULL || protocol == NULL)
        return UV_EINVAL;
    if (loop != running || transport->loop != running)
        return asyncio_raise_at(ASYNCIO_ERR_WRONG_LOOP, NULL, 0,
                                "this loop does not run here");
    if (context == NULL)
        return asyncio_raise_at(ASYNCIO_ERR_TYPE, NULL, 0,
                                "sslcontext is expected to be a TLS context, "
                                "got NULL");
    if (!transport->type->carries_tls)
        return asyncio_raise_at(ASYNCIO_ERR_TYPE, NULL, 0,
                                "transport %s is not supported by start_tls()",
                                transport->type->name);
    if (asyncio_transport_is_closing(transport))
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "Transport is closing");
    return aio__transport_check_free(transport, "start_tls");
}

int
asyncio_loop_start_tls(asyncio_loop_t *loop, asyncio_transport_t *transport,
                       asyncio_protocol_t *protocol,
                       asyncio_ssl_context_t *sslcontext,
                       asyncio_transport_t **ret_transport,
                       const asyncio_start_tls_options_t *options)
{
    asyncio_protocol_t *between;
    asyncio_transport_t *above;
    int r;

    r = check(loop, transport, protocol, sslcontext);
    if (r < 0)
        return r;
    r = sslcontext->ops->wrap(
        sslcontext,
        &(struct aio__tls_params){
            .loop = loop,
            .protocol = protocol,
            .server_side = aio__option(options, server_side, false),
            .made = true,
            .server_hostname = aio__option(options, server_hostname, NULL),
            .handshake_timeout =
                aio__option(options, ssl_handshake_timeout, 0),
            .shutdown_timeout = aio__option(options, ssl_shutdown_timeout, 0)},
        &between, &above);
    if (r < 0)
        return r;
    transport->use = AIO__TRANSPORT_UNDER_TLS;
    asyncio_transport_ref(above);
    (void) asyncio_transport_pause_reading(transport);
    asyncio_transport_set_protocol(transport, between);
    sslcontext->ops->start(above, transport);
    r = sslcontext->ops->wait(above);
    if (r >= 0)
        *ret_transport = above;
    asyncio_transport_unref(above);
    return r;
}

/* Data right behind the handshake came while the reader knew the former
 * transport only; when that was too much, it is the new one that waits. */
static void
change_transport(asyncio_stream_reader_t *reader, asyncio_transport_t *above)
{
    asyncio_transport_t *below = reader->transport;

    if (reader->paused) {
        (void) asyncio_transport_resume_reading(below);
        reader->paused = aio__reader_size(reader) > 2 * reader->limit;
    }
    if (reader->paused)
        (void) asyncio_transport_pause_reading(above);
    reader->transport = asyncio_transport_ref(above);
    asyncio_transport_unref(below);
}

int
asyncio_stream_writer_start_tls(asyncio_stream_writer_t *writer,
                                asyncio_ssl_context_t *sslcontext,
                                const asyncio_start_tls_options_t *options)
{
    struct aio__stream_protocol *protocol = writer->protocol;
    asyncio_stream_reader_t *reader = writer->reader;
    asyncio_start_tls_options_t own = {
        .size = sizeof own,
        .server_side = protocol->service != NULL,
        .server_hostname = aio__option(options, server_hostname, NULL),
        .ssl_handshake_timeout =
            aio__option(options, ssl_handshake_timeout, 0),
        .ssl_shutdown_timeout = aio__option(options, ssl_shutdown_timeout, 0)};
    asyncio_transport_t *above;
    int r;

    r = asyncio_stream_writer_drain(writer);
    if (r < 0)
        return r;
    r = asyncio_loop_start_tls(protocol->loop, writer->transport,
                               &protocol->protocol, sslcontext, &above, &own);
    if (r < 0)
        return r;
    asyncio_transport_unref(writer->transport);
    writer->transport = asyncio_transport_ref(above);
    protocol->over_ssl = true;
    if (!protocol->lost)
        protocol->transport = above;
    if (reader != NULL && reader->transport != NULL)
        change_transport(reader, above);
    return 0;
}
