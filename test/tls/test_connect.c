/* SPDX-License-Identifier: MIT */
/* TLS over real sockets: connections and servers of our own on both sides. */
#include "peers.h"

#include <openssl/ssl.h>
#include <sys/socket.h>

/* parity: test_events.py EventLoopTestsMixin test_create_server_ssl */
/* parity: test_streams.py StreamTests test_open_connection_no_loop_ssl */
BEHAVIOUR(a_line_comes_back_over_tls)
{
    asyncio_server_t *server = serve(echo, NULL, server_context("server"));
    struct stream s = connect_to(server);

    assert_echo(s, "hello\n");
    hang_up(s);
    end(server);
}

/* parity: test_events.py EventLoopTestsMixin test_create_ssl_connection */
/* parity: test_sslproto.py SslProtoHandshakeTests test_get_extra_info_on_closed_connection */
BEHAVIOUR(the_transport_tells_what_tls_agreed_on)
{
    asyncio_server_t *server = serve(echo, NULL, server_context("server"));
    struct stream s = connect_to(server);
    asyncio_transport_t *t = asyncio_stream_writer_transport(s.writer);
    const asyncio_peercert_t *cert =
        asyncio_transport_get_extra_info(t, "peercert");
    const asyncio_cipher_t *cipher =
        asyncio_transport_get_extra_info(t, "cipher");

    ck_assert_ptr_nonnull(cert);
    ck_assert_str_eq(cert->subject, "CN=leaf");
    ck_assert_str_eq(cert->issuer, "CN=ca authority");
    ck_assert_ptr_nonnull(strstr(cert->subject_alt_name, "DNS:server.test"));
    ck_assert_uint_gt(cert->der_size, 200);
    ck_assert_uint_eq(((const unsigned char *) cert->der)[0], 0x30);
    ck_assert_str_eq(cipher->protocol, "TLSv1.3");
    ck_assert_int_ge(cipher->secret_bits, 128);
    ck_assert_ptr_nonnull(cipher->name);
    ck_assert_ptr_null(asyncio_transport_get_extra_info(t, "compression"));
    ck_assert_ptr_null(asyncio_transport_get_extra_info(t, "alpn_protocol"));
    ck_assert_ptr_nonnull(asyncio_transport_get_extra_info(t, "sslcontext"));
    ck_assert_ptr_nonnull(asyncio_transport_get_extra_info(t, "ssl_object"));
    ck_assert_ptr_nonnull(asyncio_transport_get_extra_info(t, "peername"));
    ck_assert_ptr_nonnull(asyncio_transport_get_extra_info(t, "socket"));
    asyncio_transport_ref(t);
    hang_up(s);
    ck_assert_ptr_null(asyncio_transport_get_extra_info(t, "peername"));
    ck_assert_ptr_null(asyncio_transport_get_extra_info(t, "nonsense"));
    asyncio_transport_unref(t);
    end(server);
}

BEHAVIOUR(tls_cannot_be_closed_by_half)
{
    asyncio_server_t *server = serve(echo, NULL, server_context("server"));
    struct stream s = connect_to(server);

    ck_assert(!asyncio_stream_writer_can_write_eof(s.writer));
    assert_r(asyncio_stream_writer_write_eof(s.writer), UV_ENOTSUP);
    hang_up(s);
    end(server);
}

BEHAVIOUR(both_sides_agree_on_the_servers_favourite_protocol)
{
    static const char *const offered[] = {"http/1.1", "h2", NULL};
    static const char *const favourites[] = {"h2", "http/1.1", NULL};
    asyncio_ssl_context_t *theirs = server_context("server");
    asyncio_ssl_context_t *ours = client_context();
    struct stream s;

    assert_r(asyncio_ssl_context_set_alpn_protocols(theirs, favourites), 0);
    assert_r(asyncio_ssl_context_set_alpn_protocols(ours, offered), 0);
    asyncio_server_t *server = serve(echo, NULL, theirs);
    assert_r(try_connect(server, "server.test", ours, &s), 0);
    ck_assert_str_eq(
        asyncio_stream_writer_get_extra_info(s.writer, "alpn_protocol"), "h2");
    hang_up(s);
    end(server);
}

/* parity: test_events.py EventLoopTestsMixin test_create_ssl_unix_connection */
/* parity: test_events.py EventLoopTestsMixin test_create_unix_server_ssl */
/* parity: test_events.py EventLoopTestsMixin test_create_unix_server_ssl_verified */
BEHAVIOUR(tls_runs_over_a_unix_socket)
{
    asyncio_ssl_context_t *theirs = server_context("server");
    asyncio_ssl_context_t *ours = client_context();
    asyncio_server_t *server;
    struct stream s;
    char path[64];

    snprintf(path, sizeof path, "/tmp/asyncio-tls-%d", (int) getpid());
    assert_r(asyncio_start_unix_server(echo, path, &server, .ssl = theirs), 0);
    assert_r(asyncio_open_unix_connection(path, &s.reader, &s.writer,
                                          .ssl = ours,
                                          .server_hostname = "localhost"),
             0);
    assert_echo(s, "hello\n");
    hang_up(s);
    end(server);
    asyncio_ssl_context_unref(theirs);
    asyncio_ssl_context_unref(ours);
}

/* parity: test_streams.py StreamTests test_open_unix_connection_no_loop_ssl */
BEHAVIOUR(an_empty_hostname_needs_a_context_that_checks_none)
{
    asyncio_ssl_context_t *theirs = server_context("wronghost");
    asyncio_ssl_context_t *ours = client_context();
    asyncio_server_t *server;
    struct stream s;
    char path[64];

    snprintf(path, sizeof path, "/tmp/asyncio-tls-%d", (int) getpid());
    assert_r(asyncio_start_unix_server(echo, path, &server, .ssl = theirs), 0);
    assert_r(asyncio_open_unix_connection(path, &s.reader, &s.writer,
                                          .ssl = ours, .server_hostname = ""),
             ASYNCIO_ERR_VALUE);
    assert_message("check_hostname requires server_hostname");
    assert_r(asyncio_ssl_context_set_check_hostname(ours, false), 0);
    assert_r(asyncio_open_unix_connection(path, &s.reader, &s.writer,
                                          .ssl = ours, .server_hostname = ""),
             0);
    assert_echo(s, "hello\n");
    hang_up(s);
    end(server);
    asyncio_ssl_context_unref(theirs);
    asyncio_ssl_context_unref(ours);
}

/* A big transfer: an amount that no buffer holds, both ways. */

enum { BIG = 2 << 20, PIECE = 1 << 19 };

struct pump {
    asyncio_stream_writer_t *writer;
};

static unsigned char
expected(size_t i)
{
    return (unsigned char) (i * 7 + i / 4099);
}

static int
pump(void *arg)
{
    struct pump *self = arg;
    unsigned char *piece = malloc(PIECE);
    int r = 0;

    for (size_t at = 0; r >= 0 && at < BIG; at += PIECE) {
        for (size_t i = 0; i < PIECE; i++)
            piece[i] = expected(at + i);
        r = asyncio_stream_writer_write(self->writer, piece, PIECE);
        if (r >= 0)
            r = asyncio_stream_writer_drain(self->writer);
    }
    free(piece);
    return r;
}

BEHAVIOUR(megabytes_arrive_complete_and_in_order)
{
    asyncio_server_t *server = serve(echo, NULL, server_context("server"));
    struct stream s = connect_to(server);
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(pump, .writer = s.writer));
    unsigned char *piece = malloc(PIECE);

    for (size_t at = 0; at < BIG;) {
        ptrdiff_t n = asyncio_stream_reader_read(s.reader, piece, PIECE);

        ck_assert_int_gt(n, 0);
        for (ptrdiff_t i = 0; i < n; i++)
            if (piece[i] != expected(at + (size_t) i))
                ck_abort_msg("byte %zu is wrong", at + (size_t) i);
        at += (size_t) n;
    }
    assert_r(asyncio_await(task), 0);
    asyncio_future_unref(task);
    free(piece);
    hang_up(s);
    end(server);
}

/* parity: test_ssl.py TestSSL test_create_connection_ssl_1 */
BEHAVIOUR(twenty_five_clients_shake_hands_at_once)
{
    asyncio_server_t *server = serve(echo, NULL, server_context("server"));
    struct stream s[25];

    for (int i = 0; i < 25; i++)
        s[i] = connect_to(server);
    for (int i = 0; i < 25; i++)
        assert_echo(s[i], "to each its own\n");
    for (int i = 0; i < 25; i++)
        hang_up(s[i]);
    end(server);
}

/* Sends megabytes without waiting, then closes. */
static int
flood(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
      void *arg)
{
    size_t size = 4 << 20;
    void *data = calloc(1, size);
    int r = asyncio_stream_writer_write(writer, data, size);

    (void) reader;
    (void) arg;
    free(data);
    asyncio_stream_writer_close(writer);
    int lost = asyncio_stream_writer_wait_closed(writer);
    return r < 0 ? r : lost;
}

/* parity: test_ssl.py TestSSL test_flush_before_shutdown */
BEHAVIOUR(what_was_written_before_close_is_sent)
{
    asyncio_server_t *server = serve(flood, NULL, server_context("server"));
    struct stream s = connect_to(server);
    size_t total = 0;
    char piece[4096];
    ptrdiff_t n;

    while ((n = asyncio_stream_reader_read(s.reader, piece, sizeof piece)) > 0)
        total += (size_t) n;
    assert_r((int) n, 0);
    ck_assert_uint_eq(total, 4 << 20);
    hang_up(s);
    end(server);
}

/* parity: test_sslproto.py SslProtoHandshakeTests test_write_after_closing */
/* parity: test_sslproto.py SslProtoHandshakeTests test_data_received_after_closing */
BEHAVIOUR(after_close_nothing_is_sent_and_nothing_delivered)
{
    asyncio_server_t *server = serve(echo, NULL, server_context("server"));
    struct stream s = connect_to(server);
    asyncio_bytes_t all;

    assert_r(asyncio_stream_writer_write(s.writer, "hello\n", 6), 0);
    asyncio_stream_writer_close(s.writer);
    ck_assert(asyncio_stream_writer_is_closing(s.writer));
    for (int i = 0; i < 7; i++)
        assert_r(asyncio_stream_writer_write(s.writer, "lost", 4), 0);
    assert_r(asyncio_stream_writer_wait_closed(s.writer), 0);
    assert_r(asyncio_stream_reader_read_view(s.reader, SIZE_MAX, &all), 0);
    asyncio_stream_writer_unref(s.writer);
    asyncio_stream_reader_unref(s.reader);
    end(server);
}

BEHAVIOUR(an_empty_write_is_no_record)
{
    asyncio_server_t *server = serve(echo, NULL, server_context("server"));
    struct stream s = connect_to(server);
    static const asyncio_bytes_t parts[] = {
        {"", 0}, {"hel", 3}, {NULL, 0}, {"lo\n", 3}};
    char line[16];

    assert_r(asyncio_stream_writer_write(s.writer, "", 0), 0);
    assert_r(asyncio_stream_writer_writelines(s.writer, parts, 4), 0);
    ck_assert_int_eq(
        asyncio_stream_reader_readline(s.reader, line, sizeof line), 6);
    ck_assert_str_eq(line, "hello\n");
    hang_up(s);
    end(server);
}

BEHAVIOUR(its_write_limits_are_those_of_asyncio)
{
    asyncio_server_t *server = serve(echo, NULL, server_context("server"));
    struct stream s = connect_to(server);
    asyncio_transport_t *t = asyncio_stream_writer_transport(s.writer);
    size_t low, high;

    asyncio_transport_get_write_buffer_limits(t, &low, &high);
    ck_assert_uint_eq(high, 512 * 1024);
    ck_assert_uint_eq(low, 128 * 1024);
    assert_r(asyncio_transport_set_write_buffer_limits(t, 4096, -1), 0);
    assert_r(asyncio_transport_set_write_buffer_limits(t, -1, -1), 0);
    asyncio_transport_get_write_buffer_limits(t, NULL, &high);
    ck_assert_uint_eq(high, 512 * 1024);
    hang_up(s);
    end(server);
}

/* Never reads. */
static int
ignore(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
       void *arg)
{
    (void) writer;
    (void) arg;
    (void) asyncio_transport_pause_reading(
        asyncio_stream_writer_transport(writer));
    asyncio_event_t *go = arg;
    int r = asyncio_event_wait(go);
    (void) reader;
    asyncio_transport_abort(asyncio_stream_writer_transport(writer));
    return r;
}

BEHAVIOUR(a_peer_that_never_reads_stops_the_writer)
{
    asyncio_event_t go;
    asyncio_event_init(&go);
    asyncio_server_t *server = serve(ignore, &go, server_context("server"));
    struct stream s = connect_to(server);
    char *data = calloc(1, 1 << 16);
    asyncio_transport_t *t = asyncio_stream_writer_transport(s.writer);
    asyncio_timeout_t timeout;
    int r = 0;

    asyncio_timeout_enter(asyncio_timeout(&timeout, 5));
    for (int i = 0; r >= 0 && i < 1000; i++) {
        r = asyncio_stream_writer_write(s.writer, data, 1 << 16);
        if (r >= 0)
            r = asyncio_stream_writer_drain(s.writer);
    }
    assert_r(asyncio_timeout_exit(&timeout, r), ASYNCIO_ERR_TIMEOUT);
    /* High-water mark and one write. */
    ck_assert_uint_gt(asyncio_transport_get_write_buffer_size(t), 512 * 1024);
    ck_assert_uint_lt(asyncio_transport_get_write_buffer_size(t), 700 * 1024);
    /* close() is bounded, too. */
    double before = asyncio_loop_time(asyncio_get_running_loop());
    asyncio_stream_writer_close(s.writer);
    assert_r(asyncio_stream_writer_wait_closed(s.writer), ASYNCIO_ERR_TIMEOUT);
    assert_message("SSL shutdown timed out");
    ck_assert_double_ge(asyncio_loop_time(asyncio_get_running_loop()),
                        before + 30);
    asyncio_stream_writer_unref(s.writer);
    asyncio_stream_reader_unref(s.reader);
    asyncio_event_set(&go);
    free(data);
    end(server);
    asyncio_event_fini(&go);
}

BEHAVIOUR(reading_that_is_paused_delivers_nothing_until_resumed)
{
    asyncio_server_t *server = serve(echo, NULL, server_context("server"));
    struct stream s = connect_to(server);
    asyncio_transport_t *t = asyncio_stream_writer_transport(s.writer);
    char line[16];

    assert_r(asyncio_transport_pause_reading(t), 0);
    ck_assert(!asyncio_transport_is_reading(t));
    assert_r(asyncio_stream_writer_write(s.writer, "hello\n", 6), 0);
    asyncio_timeout_t timeout;
    asyncio_timeout_enter(asyncio_timeout(&timeout, 5));
    int r = (int) asyncio_stream_reader_readline(s.reader, line, sizeof line);
    assert_r(asyncio_timeout_exit(&timeout, r), ASYNCIO_ERR_TIMEOUT);
    assert_r(asyncio_transport_resume_reading(t), 0);
    ck_assert(asyncio_transport_is_reading(t));
    ck_assert_int_eq(
        asyncio_stream_reader_readline(s.reader, line, sizeof line), 6);
    hang_up(s);
    end(server);
}
