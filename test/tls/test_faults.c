/* SPDX-License-Identifier: MIT */
/* TLS when something goes wrong: silent peers, garbage, data cut short,
 * cancellation at every moment. */
#include "peers.h"


static asyncio_server_t *
serve_plain(asyncio_client_connected_cb_t callback, void *arg)
{
    asyncio_server_t *server;

    assert_r(asyncio_start_server(callback, "127.0.0.1", 0, &server,
                                  .arg = arg),
             0);
    return server;
}

/* Reads and never answers, until the client goes. */
static int
mute(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
     void *arg)
{
    char buffer[512];
    ptrdiff_t n;

    (void) arg;
    do
        n = asyncio_stream_reader_read(reader, buffer, sizeof buffer);
    while (n > 0);
    asyncio_stream_writer_close(writer);
    return 0;
}

static int
try_timeout(asyncio_server_t *server, double seconds)
{
    asyncio_ssl_context_t *context = client_context();
    struct stream s;
    int r = asyncio_open_connection(
        "127.0.0.1", asyncio_server_port(server), &s.reader, &s.writer,
        .ssl = context, .server_hostname = "server.test",
        .ssl_handshake_timeout = seconds);

    asyncio_ssl_context_unref(context);
    return r;
}

/* parity: test_ssl.py TestSSL test_create_connection_ssl_slow_handshake */
/* parity: test_sslproto.py BaseStartTLS test_create_connection_ssl_slow_handshake */
/* parity: test_ssl.py TestSSL test_handshake_timeout_handler_leak */
/* parity: test_sslproto.py SslProtoHandshakeTests test_handshake_timeout_zero */
/* parity: test_ssl.py TestSSL test_connect_timeout_warning */
BEHAVIOUR(a_peer_that_never_answers_is_given_up)
{
    asyncio_server_t *server = serve_plain(mute, NULL);
    double before = asyncio_loop_time(asyncio_get_running_loop());

    assert_r(try_timeout(server, 10), UV_ECONNABORTED);
    assert_message("SSL handshake is taking longer than 10 seconds: aborting "
                   "the connection");
    ck_assert_double_ge(asyncio_loop_time(asyncio_get_running_loop()),
                        before + 10);
    assert_r(try_timeout(server, 0), UV_ECONNABORTED);
    assert_message("longer than 60 seconds");
    end(server);
}

/* parity: test_sslproto.py SslProtoHandshakeTests test_handshake_timeout_negative */
BEHAVIOUR(a_negative_timeout_is_refused)
{
    asyncio_server_t *server = serve_plain(mute, NULL);

    assert_r(try_timeout(server, -1), ASYNCIO_ERR_VALUE);
    assert_message("ssl_handshake_timeout should be a positive number");
    end(server);
}

/* parity: test_ssl.py TestSSL test_ssl_handshake_timeout */
/* parity: test_sslproto.py BaseStartTLS test_handshake_timeout */
BEHAVIOUR(an_outer_timeout_drops_the_connection)
{
    asyncio_server_t *server = serve_plain(mute, NULL);
    asyncio_timeout_t timeout;

    asyncio_timeout_enter(asyncio_timeout(&timeout, 0.5));
    int r = try_timeout(server, 10);
    assert_r(asyncio_timeout_exit(&timeout, r), ASYNCIO_ERR_TIMEOUT);
    end(server); /* which waits until the peer saw that */
}

/* parity: test_ssl.py TestSSL test_start_tls_slow_client_cancel */
BEHAVIOUR(an_outer_timeout_ends_an_upgrade)
{
    asyncio_server_t *server = serve_plain(mute, NULL);
    asyncio_ssl_context_t *context = client_context();
    asyncio_timeout_t timeout;
    struct stream s;

    assert_r(asyncio_open_connection("127.0.0.1", asyncio_server_port(server),
                                     &s.reader, &s.writer),
             0);
    asyncio_timeout_enter(asyncio_timeout(&timeout, 0.5));
    int r = asyncio_stream_writer_start_tls(s.writer, context,
                                            .server_hostname = "server.test");
    assert_r(asyncio_timeout_exit(&timeout, r), ASYNCIO_ERR_TIMEOUT);
    drop(s);
    end(server);
    asyncio_ssl_context_unref(context);
}

/* Says something that is no TLS. */
static int
say_what(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
         void *arg)
{
    const char *text = arg;
    int r = asyncio_stream_writer_write(writer, text, strlen(text));

    return r < 0 ? r : mute(reader, writer, NULL);
}

BEHAVIOUR(a_peer_that_speaks_plainly_is_told_apart)
{
    char text[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    asyncio_server_t *server = serve_plain(say_what, text);

    assert_r(try_timeout(server, 10), ASYNCIO_ERR_SSL);
    assert_message("[SSL: WRONG_VERSION_NUMBER] wrong version number");
    end(server);
}

static int
hang_up_at_once(asyncio_stream_reader_t *reader,
                asyncio_stream_writer_t *writer, void *arg)
{
    char buffer[64];

    (void) arg;
    int r = (int) asyncio_stream_reader_read(reader, buffer, sizeof buffer);
    asyncio_stream_writer_close(writer);
    return r < 0 ? r : 0;
}

struct silent {
    asyncio_protocol_t protocol;
    int calls;
    int dropped;
};

static int
count_made(asyncio_protocol_t *protocol, asyncio_transport_t *transport)
{
    (void) transport;
    ((struct silent *) protocol)->calls++;
    return 0;
}

static int
count_lost(asyncio_protocol_t *protocol, const asyncio_exception_t *exception)
{
    (void) exception;
    ((struct silent *) protocol)->calls++;
    return 0;
}

static void
count_drop(asyncio_protocol_t *protocol)
{
    ((struct silent *) protocol)->dropped++;
}

static int
give(void *arg, asyncio_protocol_t **ret_protocol)
{
    *ret_protocol = arg;
    return 0;
}

/* parity: test_ssl.py TestSSL test_ssl_handshake_connection_lost */
/* parity: test_sslproto.py SslProtoHandshakeTests test_eof_received_waiter */
/* parity: test_sslproto.py SslProtoHandshakeTests test_connection_lost */
BEHAVIOUR(a_peer_that_leaves_the_handshake_resets_the_connection)
{
    struct silent p = {.protocol = {.connection_made = count_made,
                                    .connection_lost = count_lost,
                                    .drop = count_drop}};
    asyncio_server_t *server = serve_plain(hang_up_at_once, NULL);
    asyncio_ssl_context_t *context = client_context();

    assert_r(asyncio_loop_create_connection(
                 asyncio_get_running_loop(), give, "127.0.0.1",
                 asyncio_server_port(server), NULL, NULL, .arg = &p,
                 .ssl = context, .server_hostname = "server.test"),
             UV_ECONNRESET);
    assert_r(asyncio_sleep(1), 0);
    ck_assert_int_eq(p.calls, 0);
    ck_assert_int_eq(p.dropped, 1);
    end(server);
    asyncio_ssl_context_unref(context);
}

/* Sends some and goes away without close_notify. */
static int
cut_short(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
          void *arg)
{
    (void) reader;
    (void) arg;
    int r = asyncio_stream_writer_write(writer, "half of it", 10);
    if (r >= 0)
        r = asyncio_sleep(1);
    asyncio_transport_abort(asyncio_stream_writer_transport(writer));
    return r;
}

BEHAVIOUR(an_end_without_close_notify_is_an_error)
{
    asyncio_server_t *server =
        serve(cut_short, NULL, server_context("server"));
    struct stream s = connect_to(server);
    char buffer[64];

    ck_assert_int_eq(
        asyncio_stream_reader_read(s.reader, buffer, sizeof buffer), 10);
    assert_r((int) asyncio_stream_reader_read(s.reader, buffer, sizeof buffer),
             ASYNCIO_ERR_SSL_EOF);
    assert_message("EOF occurred in violation of protocol");
    assert_r(asyncio_stream_writer_wait_closed(s.writer), ASYNCIO_ERR_SSL_EOF);
    asyncio_stream_writer_unref(s.writer);
    asyncio_stream_reader_unref(s.reader);
    end(server);
}

/* Upgrades, says a line, then sends garbage below TLS. */
static int
corrupt(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
        void *arg)
{
    asyncio_transport_t *below =
        asyncio_transport_ref(asyncio_stream_writer_transport(writer));
    char line[64];
    int r = asyncio_stream_writer_start_tls(writer, arg);

    if (r >= 0)
        r = (int) asyncio_stream_reader_readline(reader, line, sizeof line);
    if (r >= 0)
        r = asyncio_transport_write(below, "this is not TLS", 15);
    if (r >= 0)
        r = (int) asyncio_stream_reader_readline(reader, line, sizeof line);
    asyncio_transport_unref(below);
    asyncio_stream_writer_close(writer);
    return 0;
}

/* parity: test_ssl.py TestSSL test_start_tls_client_corrupted_ssl */
/* parity: test_sslproto.py BaseStartTLS test_start_tls_client_corrupted_ssl */
BEHAVIOUR(garbage_in_the_stream_is_an_error_of_reading)
{
    asyncio_ssl_context_t *theirs = server_context("server");
    asyncio_ssl_context_t *ours = client_context();
    asyncio_server_t *server = serve_plain(corrupt, theirs);
    struct stream s;
    char line[64];

    assert_r(asyncio_open_connection("127.0.0.1", asyncio_server_port(server),
                                     &s.reader, &s.writer),
             0);
    assert_r(asyncio_stream_writer_start_tls(s.writer, ours,
                                             .server_hostname = "server.test"),
             0);
    assert_r(asyncio_stream_writer_write(s.writer, "hello\n", 6), 0);
    assert_r((int) asyncio_stream_reader_readline(s.reader, line, sizeof line),
             ASYNCIO_ERR_SSL);
    drop(s);
    end(server);
    asyncio_ssl_context_unref(theirs);
    asyncio_ssl_context_unref(ours);
}

/* A relay in front of a TLS server: byte by byte, or cut after some. */
struct relay {
    int port;
    long cut;  /* bytes towards the client; -1: never */
};

struct half {
    asyncio_stream_reader_t *from;
    asyncio_stream_writer_t *to;
    long cut;
};

static int
half(void *arg)
{
    struct half *self = arg;
    char piece[1024];
    ptrdiff_t n;
    int r = 0;

    while (r >= 0 && self->cut != 0
           && (n = asyncio_stream_reader_read(
                   self->from, piece, self->cut < 0 ? 1 : sizeof piece))
               > 0) {
        if (self->cut >= 0 && n > self->cut)
            n = self->cut;
        if (self->cut >= 0)
            self->cut -= n;
        r = asyncio_stream_writer_write(self->to, piece, (size_t) n);
        if (r >= 0)
            r = asyncio_stream_writer_drain(self->to);
        if (r >= 0)
            r = asyncio_sleep(0);
    }
    asyncio_stream_writer_close(self->to);
    return 0;
}

static int
relay(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
      void *arg)
{
    const struct relay *self = arg;
    asyncio_stream_reader_t *far_reader;
    asyncio_stream_writer_t *far_writer;
    int r = asyncio_open_connection("127.0.0.1", self->port, &far_reader,
                                    &far_writer);
    if (r < 0)
        return r;
    asyncio_task_t *there = asyncio_create_task(
        asyncio_coro(half, .from = reader, .to = far_writer,
                     .cut = self->cut < 0 ? -1 : LONG_MAX));
    asyncio_task_t *back = asyncio_create_task(asyncio_coro(
        half, .from = far_reader, .to = writer, .cut = self->cut));
    r = asyncio_await(back);
    asyncio_stream_writer_close(far_writer);
    int other = asyncio_await(there);
    asyncio_future_unref(there);
    asyncio_future_unref(back);
    asyncio_stream_writer_unref(far_writer);
    asyncio_stream_reader_unref(far_reader);
    return r < 0 ? r : other;
}

BEHAVIOUR(records_may_come_byte_by_byte)
{
    asyncio_server_t *far = serve(echo, NULL, server_context("server"));
    struct relay slow = {.port = asyncio_server_port(far), .cut = -1};
    asyncio_server_t *near = serve_plain(relay, &slow);
    struct stream s = connect_to(near);

    assert_echo(s, "slowly but surely\n");
    hang_up(s);
    end(near);
    end(far);
}

BEHAVIOUR(a_handshake_cut_at_any_byte_ends_with_an_error, .timeout = 60)
{
    asyncio_server_t *far = serve(echo, NULL, server_context("server"));
    struct relay cutting = {.port = asyncio_server_port(far), .cut = 0};
    asyncio_server_t *near = serve_plain(relay, &cutting);

    for (; cutting.cut < 700; cutting.cut += 23) {
        int r = try_timeout(near, 10);

        ck_assert_msg(r == UV_ECONNRESET || r == ASYNCIO_ERR_SSL,
                      "%ld bytes: %s", cutting.cut, asyncio_err_name(r));
    }
    end(near);
    end(far);
}

/* A connection that is cancelled after so many passes. */
struct attempt {
    asyncio_server_t *server;
};

static int
attempt(void *arg)
{
    struct attempt *self = arg;
    struct stream s;
    char line[64];
    int r = try_connect(self->server, "server.test", client_context(), &s);

    if (r < 0)
        return r;
    r = asyncio_stream_writer_write(s.writer, "hello\n", 6);
    if (r >= 0)
        r = (int) asyncio_stream_reader_readline(s.reader, line, sizeof line);
    asyncio_stream_writer_close(s.writer);
    if (r >= 0)
        r = asyncio_stream_writer_wait_closed(s.writer);
    asyncio_stream_writer_unref(s.writer);
    asyncio_stream_reader_unref(s.reader);
    return r < 0 ? r : 0;
}

BEHAVIOUR(a_connection_can_be_cancelled_at_any_moment, .timeout = 60)
{
    asyncio_server_t *server = serve(echo, NULL, server_context("server"));
    int r = ASYNCIO_ERR_CANCELLED;

    for (int passes = 0; r == ASYNCIO_ERR_CANCELLED; passes += 7) {
        asyncio_task_t *task =
            asyncio_create_task(asyncio_coro(attempt, .server = server));

        ck_assert_int_lt(passes, 5000);
        for (int i = 0; i < passes; i++)
            assert_r(asyncio_sleep(0), 0);
        asyncio_task_cancel(task);
        r = asyncio_await(task);
        asyncio_future_unref(task);
    }
    assert_r(r, 0);
    /* Of what was left behind nothing is in the way. */
    struct stream s = connect_to(server);
    assert_echo(s, "still here\n");
    hang_up(s);
    end(server);
}

SCENARIO(a_line_over_tls_survives_any_failing_allocation)
{
    asyncio_ssl_context_t *theirs, *ours;
    asyncio_server_t *server;
    struct stream s;
    char line[64];
    int r;

    r = asyncio_ssl_context_new_server(&theirs);
    if (r < 0)
        return r;
    r = asyncio_ssl_context_new_client(&ours);
    if (r < 0) {
        asyncio_ssl_context_unref(theirs);
        return r;
    }
    r = asyncio_ssl_context_load_cert_chain(
        theirs, CERTIFICATES "/server.pem", NULL);
    if (r >= 0)
        r = asyncio_ssl_context_load_verify_locations(
            ours, CERTIFICATES "/ca.crt", NULL);
    if (r >= 0)
        r = asyncio_start_server(echo, "127.0.0.1", 0, &server,
                                 .ssl = theirs);
    asyncio_ssl_context_unref(theirs);
    if (r < 0) {
        asyncio_ssl_context_unref(ours);
        return r;
    }
    r = asyncio_open_connection("127.0.0.1", asyncio_server_port(server),
                                &s.reader, &s.writer, .ssl = ours,
                                .server_hostname = "server.test");
    asyncio_ssl_context_unref(ours);
    if (r >= 0) {
        r = asyncio_stream_writer_write(s.writer, "hello\n", 6);
        if (r >= 0)
            r = (int) asyncio_stream_reader_readline(s.reader, line,
                                                     sizeof line);
        drop(s);
    }
    asyncio_server_close(server);
    asyncio_server_unref(server);
    /* What the server could not do is seen by the client as a lost
     * connection. */
    return r >= 0 ? 0 : UV_ENOMEM;
}
