/* SPDX-License-Identifier: MIT */
/*
 * A TLS connection: handshake, reading, and its end.
 *
 * What the transport below delivers goes into a buffer that OpenSSL reads;
 * what OpenSSL writes collects in another one and is handed down in one
 * piece. No call of OpenSSL ever calls the program, so that whatever the
 * program does in a callback (write, close, abort) finds OpenSSL at rest.
 *
 * The end: close() sends close_notify and waits for the peer's, throwing away
 * data that still comes; a timer bounds that until the transport below is
 * gone. The peer's close_notify is the end of file. An end of file without it
 * is an error, because somebody may have cut the data short, unless we had
 * closed before.
 *
 * Python counterpart: asyncio.sslproto.SSLProtocol.
 */
#include "tls/tls.h"

#include <stdio.h>
#include <string.h>

#include "asyncio/constants.h"
#include "loop/report.h"

enum {
    READ_HIGH = ASYNCIO_FLOW_CONTROL_HIGH_WATER_SSL_READ, /* bytes */
    READ_LOW = READ_HIGH / 4,
    PUSH_ANYWAY = 64 * 1024 * 1024 /* bytes: kept below, as well */
};

void
aio__tls_settle(struct aio__tls *tls, int code, asyncio_exception_t *exception)
{
    struct aio__waiter *waiter = tls->waiter;

    tls->result = code;
    tls->waiter = NULL;
    if (waiter != NULL && aio__wake(waiter, code) && exception != NULL)
        waiter->exception = aio__exception_ref(exception);
}

void
aio__tls_fail(struct aio__tls *tls, asyncio_exception_t *exception)
{
    bool shaking = tls->state == AIO__TLS_HANDSHAKE;

    if (tls->state == AIO__TLS_ENDED) {
        aio__exception_unref(exception);
        return;
    }
    tls->state = AIO__TLS_ENDED;
    tls->base.closing = true;
    tls->exception = exception;
    aio__timerheap_remove(&tls->base.loop->timers, &tls->timer);
    aio__tls_push(tls, true); /* the alert that tells the peer */
    asyncio_transport_abort(tls->below);
    if (shaking)
        aio__tls_settle(tls, exception->code, exception);
}

/* The program's callback failed. */
static void
program_failed(struct aio__tls *tls, int code, const char *message)
{
    asyncio_exception_t *detail = aio__transport_detail(code);

    aio__transport_report(&tls->base, code, message);
    aio__tls_fail(tls, detail);
}

void
aio__tls_push(struct aio__tls *tls, bool anyway)
{
    struct aio__tls_buffer out = tls->out;
    size_t size = aio__tls_buffer_size(&out);
    int r;

    if (size == 0 || tls->below == NULL || tls->lost
        || (tls->below_full && !anyway && size < PUSH_ANYWAY))
        return;
    tls->out = (struct aio__tls_buffer){NULL, 0, 0, 0};
    r = asyncio_transport_write(tls->below, out.data + out.start, size);
    aio__tls_buffer_clear(&out);
    if (r < 0) /* a part of the stream is missing: there is no way on */
        aio__tls_fail(tls, aio__transport_detail(r));
}

/* The peer's data waits in our memory, but not without bound. */
static void
control_reading(struct aio__tls *tls)
{
    size_t size = aio__tls_buffer_size(&tls->in);

    if (tls->lost || tls->state == AIO__TLS_ENDED)
        return;
    if (!tls->below_paused && tls->state == AIO__TLS_OPEN
        && size >= READ_HIGH) {
        tls->below_paused = true;
        (void) asyncio_transport_pause_reading(tls->below);
    } else if (tls->below_paused
               && (size <= READ_LOW || tls->state == AIO__TLS_CLOSING)) {
        tls->below_paused = false;
        (void) asyncio_transport_resume_reading(tls->below);
    }
}

void
aio__tls_on_timer(struct aio__timer *timer)
{
    struct aio__tls *tls = aio__container_of(timer, struct aio__tls, timer);
    char text[120];

    if (tls->state != AIO__TLS_HANDSHAKE) {
        /* Both sides may have said good-bye: then it is the socket that does
         * not get rid of its bytes. */
        if (tls->state == AIO__TLS_ENDED)
            tls->state = AIO__TLS_CLOSING;
        aio__tls_fail(tls, aio__tls_exception(ASYNCIO_ERR_TIMEOUT,
                                              "SSL shutdown timed out"));
        return;
    }
    snprintf(text, sizeof text,
             "SSL handshake is taking longer than %g seconds: aborting the "
             "connection",
             tls->handshake_timeout);
    aio__tls_fail(tls, aio__tls_exception(UV_ECONNABORTED, text));
}

static void
arm(struct aio__tls *tls, double seconds)
{
    asyncio_loop_t *loop = tls->base.loop;

    aio__timerheap_remove(&loop->timers, &tls->timer);
    aio__timerheap_insert(&loop->timers, &tls->timer,
                          aio__loop_now(loop) + seconds);
}

/* Both have said that no more comes. The timer goes on: the transport below
 * may have bytes that nobody takes. */
static void
both_closed(struct aio__tls *tls)
{
    aio__tls_push(tls, true);
    if (tls->state == AIO__TLS_ENDED)
        return;
    tls->state = AIO__TLS_ENDED;
    asyncio_transport_close(tls->below);
}

/* We have closed: what comes is nobody's, up to the peer's close_notify. */
static void
discard(struct aio__tls *tls)
{
    char scratch[1024];
    size_t n;
    int r;

    do {
        ERR_clear_error();
        r = SSL_read_ex(tls->ssl, scratch, sizeof scratch, &n);
    } while (r == 1);
    switch (SSL_get_error(tls->ssl, r)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        aio__tls_push(tls, false);
        control_reading(tls);
        return;
    case SSL_ERROR_ZERO_RETURN:
        both_closed(tls);
        return;
    default:
        if (tls->ended) /* need not answer: both sides have all they sent */
            both_closed(tls);
        else
            aio__tls_fail(tls, aio__tls_error(tls, r));
    }
}

void
aio__tls_shutdown(struct aio__tls *tls)
{
    tls->base.closing = true;
    tls->state = AIO__TLS_CLOSING;
    arm(tls, tls->shutdown_timeout);
    ERR_clear_error();
    (void) SSL_shutdown(tls->ssl);
    aio__tls_push(tls, false);
    if (tls->state == AIO__TLS_CLOSING)
        discard(tls);
}

/* The peer's close_notify: the end of file, after which both sides close. */
static void
peer_closed(struct aio__tls *tls)
{
    asyncio_protocol_t *protocol = tls->base.protocol;
    int r = 0;

    if (protocol->eof_received != NULL)
        r = protocol->eof_received(protocol);
    if (r < 0) {
        program_failed(tls, r,
                       "Fatal error: protocol.eof_received() call failed.");
        return;
    }
    if (r > 0)
        aio__log(ASYNCIO_LOG_WARNING, "returning true from eof_received() "
                                      "has no effect when using ssl");
    if (tls->state == AIO__TLS_OPEN)
        aio__tls_shutdown(tls);
}

/* Decrypt as much as there is room for; what ended it. */
static int
decrypt(struct aio__tls *tls, char *buffer, size_t size, size_t *ret_used)
{
    size_t used = 0, n;
    int r = 1;

    while (used < size && r == 1) {
        ERR_clear_error();
        r = SSL_read_ex(tls->ssl, buffer + used, size - used, &n);
        if (r == 1)
            used += n;
    }
    *ret_used = used;
    return r;
}

static int
deliver(struct aio__tls *tls, const char *data, size_t size)
{
    asyncio_protocol_t *protocol = tls->base.protocol;
    bool buffered = protocol->get_buffer != NULL;
    int r = 0;

    if (buffered)
        r = protocol->buffer_updated(protocol, size);
    else if (protocol->data_received != NULL)
        r = protocol->data_received(protocol, data, size);
    if (r < 0)
        program_failed(tls, r,
                       buffered ? "Fatal error: protocol.buffer_updated() "
                                  "call failed."
                                : "Fatal error: protocol.data_received() "
                                  "call failed.");
    return r;
}

/* Where the next bytes go: a buffer of the program's, if it has one. */
static int
find_room(struct aio__tls *tls, char **ret_buffer, size_t *ret_size)
{
    asyncio_protocol_t *protocol = tls->base.protocol;
    void *buffer = NULL;
    size_t size = 0;
    int r;

    if (protocol->get_buffer == NULL)
        return 0;
    r = protocol->get_buffer(protocol, -1, &buffer, &size);
    if (r >= 0 && (size == 0 || buffer == NULL))
        r = asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                             "get_buffer() returned an empty buffer");
    if (r < 0) {
        program_failed(tls, r,
                       "Fatal error: protocol.get_buffer() call failed.");
        return r;
    }
    *ret_buffer = buffer;
    *ret_size = size;
    return 0;
}

static bool
readable(const struct aio__tls *tls)
{
    return tls->state == AIO__TLS_OPEN && !tls->paused
        && (tls->ended || aio__tls_buffer_size(&tls->in) > 0
            || SSL_has_pending(tls->ssl)
            || (SSL_get_shutdown(tls->ssl) & SSL_RECEIVED_SHUTDOWN) != 0);
}

static void
read_into(struct aio__tls *tls, char *shared)
{
    int r = 1;

    while (r == 1 && readable(tls)) {
        size_t size = AIO__READ_SIZE, used;
        char *buffer = shared;
        int kind;

        if (find_room(tls, &buffer, &size) < 0 || !readable(tls))
            break;
        r = decrypt(tls, buffer, size, &used);
        kind = r == 1 ? SSL_ERROR_NONE : SSL_get_error(tls->ssl, r);
        if (kind == SSL_ERROR_SSL || kind == SSL_ERROR_SYSCALL) {
            asyncio_exception_t *error = aio__tls_error(tls, r);

            /* What came in order before it is good. */
            if (used > 0)
                (void) deliver(tls, buffer, used);
            if (tls->state == AIO__TLS_CLOSING && tls->ended) {
                aio__exception_unref(error);
                both_closed(tls);
            } else {
                aio__tls_fail(tls, error);
            }
            return;
        }
        if (used > 0 && deliver(tls, buffer, used) < 0)
            return;
        if (kind == SSL_ERROR_ZERO_RETURN && tls->state == AIO__TLS_OPEN
            && !tls->paused)
            peer_closed(tls);
    }
    if (tls->state == AIO__TLS_OPEN) {
        aio__tls_push(tls, false); /* answers to KeyUpdate and the like */
        control_reading(tls);
    }
}

static void
read_plain(struct aio__tls *tls)
{
    struct aio__io *io = tls->base.loop->io;
    char *buffer = aio__readbuf_take(io);

    if (buffer == NULL) {
        aio__tls_fail(tls, aio__exception_ref(aio__exception_of(UV_ENOMEM)));
        return;
    }
    read_into(tls, buffer);
    aio__readbuf_give(io, buffer);
}

/* A peer may only choose what was offered. */
static bool
alpn_is_ours(const struct aio__tls *tls)
{
    const struct aio__tls_context *context = tls->context;
    const unsigned char *name;
    unsigned int size;

    SSL_get0_alpn_selected(tls->ssl, &name, &size);
    if (size == 0 || context->server)
        return true;
    for (size_t i = 0; i < context->alpn_size; i += 1 + context->alpn[i])
        if (context->alpn[i] == size
            && memcmp(context->alpn + i + 1, name, size) == 0)
            return true;
    return context->alpn == NULL; /* set through OpenSSL itself */
}

static void
handshake_done(struct aio__tls *tls)
{
    asyncio_loop_t *loop = tls->base.loop;
    asyncio_context_t *saved = loop->context;

    aio__timerheap_remove(&loop->timers, &tls->timer);
    if (!alpn_is_ours(tls)) {
        aio__tls_fail(tls, aio__tls_exception(ASYNCIO_ERR_SSL,
                                              "the server chose an ALPN "
                                              "protocol that was not "
                                              "offered"));
        return;
    }
    aio__tls_push(tls, false);
    if (tls->state != AIO__TLS_HANDSHAKE)
        return;
    tls->state = AIO__TLS_OPEN;
    if (!tls->made) {
        tls->made = true;
        aio__transport_made(&tls->base);
        loop->context = saved;
    }
    aio__tls_settle(tls, 0, NULL);
    read_plain(tls);
}

static void
shake_hands(struct aio__tls *tls)
{
    int r, kind;

    ERR_clear_error();
    r = SSL_do_handshake(tls->ssl);
    kind = r == 1 ? SSL_ERROR_NONE : SSL_get_error(tls->ssl, r);
    if (kind == SSL_ERROR_NONE)
        handshake_done(tls);
    else if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE)
        aio__tls_push(tls, false);
    else
        aio__tls_fail(tls, aio__tls_error(tls, r));
}

void
aio__tls_begin(struct aio__tls *tls)
{
    tls->state = AIO__TLS_HANDSHAKE;
    arm(tls, tls->handshake_timeout);
    shake_hands(tls);
}

void
aio__tls_received(struct aio__tls *tls)
{
    if (tls->state == AIO__TLS_HANDSHAKE)
        shake_hands(tls);
    else if (tls->state == AIO__TLS_OPEN && !tls->paused)
        read_plain(tls);
    else if (tls->state == AIO__TLS_OPEN)
        control_reading(tls);
    else if (tls->state == AIO__TLS_CLOSING)
        discard(tls);
}

/* The end of file below; true: the transport there stays open for now. */
bool
aio__tls_ended(struct aio__tls *tls)
{
    tls->ended = true;
    if (tls->state == AIO__TLS_HANDSHAKE) {
        aio__tls_fail(tls, aio__tls_exception(UV_ECONNRESET,
                                              "the peer went away during the "
                                              "TLS handshake"));
        return false;
    }
    aio__tls_received(tls);
    return tls->state == AIO__TLS_OPEN;
}
