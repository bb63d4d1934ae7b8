/* SPDX-License-Identifier: MIT */
/* start_tls: TLS on connections that began without it, or with it. */
#include "peers.h"


/* Says a plain line, then another one over TLS. */
static int
upgrade(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
        void *arg)
{
    char line[64];
    ptrdiff_t n = asyncio_stream_reader_readline(reader, line, sizeof line);
    int r = n < 0 ? (int) n : 0;

    if (r >= 0)
        r = asyncio_stream_writer_write(writer, "plain\n", 6);
    if (r >= 0)
        r = asyncio_stream_writer_start_tls(writer, arg);
    return r < 0 ? r : echo(reader, writer, NULL);
}

static struct stream
connect_plain(asyncio_server_t *server)
{
    struct stream s;
    char line[64];

    assert_r(asyncio_open_connection("127.0.0.1", asyncio_server_port(server),
                                     &s.reader, &s.writer),
             0);
    assert_r(asyncio_stream_writer_write(s.writer, "begin\n", 6), 0);
    ck_assert_int_eq(
        asyncio_stream_reader_readline(s.reader, line, sizeof line), 6);
    return s;
}

static asyncio_server_t *
serve_plain(asyncio_client_connected_cb_t callback, void *arg)
{
    asyncio_server_t *server;

    assert_r(asyncio_start_server(callback, "127.0.0.1", 0, &server,
                                  .arg = arg),
             0);
    return server;
}

/* parity: test_streams.py StreamTests test_start_tls */
/* parity: test_ssl.py TestSSL test_start_tls_server_1 */
/* parity: test_sslproto.py BaseStartTLS test_start_tls_server_1 */
BEHAVIOUR(reader_and_writer_stay_valid_when_a_stream_is_upgraded)
{
    asyncio_ssl_context_t *theirs = server_context("server");
    asyncio_ssl_context_t *ours = client_context();
    asyncio_server_t *server = serve_plain(upgrade, theirs);
    struct stream s = connect_plain(server);

    ck_assert_ptr_null(
        asyncio_stream_writer_get_extra_info(s.writer, "sslcontext"));
    assert_r(asyncio_stream_writer_start_tls(s.writer, ours,
                                             .server_hostname = "server.test"),
             0);
    ck_assert_ptr_eq(
        asyncio_stream_writer_get_extra_info(s.writer, "sslcontext"), ours);
    assert_echo(s, "secret\n");
    hang_up(s);
    end(server);
    asyncio_ssl_context_unref(theirs);
    asyncio_ssl_context_unref(ours);
}

BEHAVIOUR(data_behind_the_handshake_may_be_more_than_the_reader_takes)
{
    static char data[5000], answer[sizeof data];
    asyncio_ssl_context_t *theirs = server_context("server");
    asyncio_ssl_context_t *ours = client_context();
    asyncio_server_t *server;
    struct stream s;

    assert_r(asyncio_start_server(upgrade, "127.0.0.1", 0, &server,
                                  .arg = theirs, .limit = 16),
             0);
    s = connect_plain(server);
    assert_r(asyncio_stream_writer_start_tls(s.writer, ours,
                                             .server_hostname = "server.test"),
             0);
    for (int i = 0; i < 4; i++) {
        assert_r(asyncio_stream_writer_write(s.writer, data, sizeof data), 0);
        assert_r((int) asyncio_stream_reader_readexactly(s.reader, answer,
                                                         sizeof answer),
                 sizeof answer);
    }
    hang_up(s);
    end(server);
    asyncio_ssl_context_unref(theirs);
    asyncio_ssl_context_unref(ours);
}

BEHAVIOUR(a_failed_upgrade_ends_the_stream)
{
    asyncio_ssl_context_t *theirs = server_context("unknown");
    asyncio_ssl_context_t *ours = client_context();
    asyncio_server_t *server = serve_plain(upgrade, theirs);
    struct stream s = connect_plain(server);

    assert_r(asyncio_stream_writer_start_tls(s.writer, ours,
                                             .server_hostname = "server.test"),
             ASYNCIO_ERR_SSL_CERT_VERIFICATION);
    assert_r(asyncio_stream_writer_wait_closed(s.writer),
             ASYNCIO_ERR_SSL_CERT_VERIFICATION);
    asyncio_stream_writer_unref(s.writer);
    asyncio_stream_reader_unref(s.reader);
    end(server);
    asyncio_ssl_context_unref(theirs);
    asyncio_ssl_context_unref(ours);
}

BEHAVIOUR(a_name_is_needed_and_without_one_nothing_has_changed)
{
    asyncio_ssl_context_t *theirs = server_context("server");
    asyncio_ssl_context_t *ours = client_context();
    asyncio_server_t *server = serve_plain(upgrade, theirs);
    struct stream s = connect_plain(server);

    assert_r(asyncio_stream_writer_start_tls(s.writer, ours),
             ASYNCIO_ERR_VALUE);
    assert_r(asyncio_stream_writer_start_tls(s.writer, theirs),
             ASYNCIO_ERR_VALUE);
    assert_r(asyncio_stream_writer_start_tls(s.writer, NULL),
             ASYNCIO_ERR_TYPE);
    assert_r(asyncio_stream_writer_start_tls(s.writer, ours,
                                             .server_hostname = "server.test",
                                             .ssl_handshake_timeout = -1),
             ASYNCIO_ERR_VALUE);
    assert_r(asyncio_stream_writer_start_tls(s.writer, ours,
                                             .server_hostname = "server.test"),
             0);
    assert_echo(s, "secret\n");
    hang_up(s);
    end(server);
    asyncio_ssl_context_unref(theirs);
    asyncio_ssl_context_unref(ours);
}

struct upgrading {
    asyncio_stream_writer_t *writer;
    asyncio_ssl_context_t *context;
};

static int
upgrading(void *frame)
{
    struct upgrading *self = frame;

    return asyncio_stream_writer_start_tls(self->writer, self->context,
                                           .server_hostname = "server.test");
}

BEHAVIOUR(a_second_upgrade_is_refused_and_the_first_goes_on)
{
    asyncio_ssl_context_t *theirs = server_context("server");
    asyncio_ssl_context_t *ours = client_context();
    asyncio_server_t *server = serve_plain(upgrade, theirs);
    struct stream s = connect_plain(server);
    asyncio_task_t *first = asyncio_create_task(
        asyncio_coro(upgrading, .writer = s.writer, .context = ours));

    assert_r(asyncio_sleep(0), 0);
    assert_r(asyncio_stream_writer_start_tls(s.writer, ours,
                                             .server_hostname = "server.test"),
             ASYNCIO_ERR_RUNTIME);
    assert_message("unable to start_tls; the transport carries TLS");
    assert_r(asyncio_await(first), 0);
    asyncio_task_unref(first);
    assert_echo(s, "secret\n");
    hang_up(s);
    end(server);
    asyncio_ssl_context_unref(theirs);
    asyncio_ssl_context_unref(ours);
}

/* Upgrades an encrypted stream once more. */
static int
upgrade_again(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
              void *arg)
{
    int r = asyncio_stream_writer_write(writer, "plain\n", 6);

    if (r >= 0)
        r = asyncio_stream_writer_start_tls(writer, arg);
    return r < 0 ? r : echo(reader, writer, NULL);
}

/* parity: test_ssl.py TestSSL test_create_server_ssl_over_ssl */
BEHAVIOUR(tls_runs_inside_tls)
{
    asyncio_ssl_context_t *inner = server_context("server");
    asyncio_ssl_context_t *ours = client_context();
    asyncio_server_t *server =
        serve(upgrade_again, inner, server_context("server"));
    struct stream s[25];

    for (int i = 0; i < 25; i++) {
        char line[16];

        s[i] = connect_to(server);
        ck_assert_int_eq(
            asyncio_stream_reader_readline(s[i].reader, line, sizeof line), 6);
        assert_r(asyncio_stream_writer_start_tls(
                     s[i].writer, ours, .server_hostname = "localhost"),
                 0);
    }
    for (int i = 0; i < 25; i++)
        assert_echo(s[i], "twice secret\n");
    for (int i = 0; i < 25; i++)
        hang_up(s[i]);
    end(server);
    asyncio_ssl_context_unref(inner);
    asyncio_ssl_context_unref(ours);
}

/* A protocol that counts its calls. */
struct counting {
    asyncio_protocol_t protocol;
    int made, lost, eof, dropped;
    size_t received;
    char buffer[3]; /* of the buffered one */
    asyncio_transport_t *transport;
    asyncio_event_t over;
};

static int
on_made(asyncio_protocol_t *protocol, asyncio_transport_t *transport)
{
    struct counting *self = (struct counting *) protocol;

    self->made++;
    self->transport = transport;
    return 0;
}

static int
on_data(asyncio_protocol_t *protocol, const void *data, size_t size)
{
    (void) data;
    ((struct counting *) protocol)->received += size;
    return 0;
}

static int
on_get_buffer(asyncio_protocol_t *protocol, ptrdiff_t hint, void **ret_buffer,
              size_t *ret_size)
{
    (void) hint;
    *ret_buffer = ((struct counting *) protocol)->buffer;
    *ret_size = sizeof((struct counting *) protocol)->buffer;
    return 0;
}

static int
on_updated(asyncio_protocol_t *protocol, size_t size)
{
    ((struct counting *) protocol)->received += size;
    return 0;
}

static int
on_eof(asyncio_protocol_t *protocol)
{
    ((struct counting *) protocol)->eof++;
    return 0;
}

static int
on_lost(asyncio_protocol_t *protocol, const asyncio_exception_t *exception)
{
    struct counting *self = (struct counting *) protocol;

    self->lost++;
    ck_assert_ptr_null(exception);
    asyncio_event_set(&self->over);
    return 0;
}

static void
on_drop(asyncio_protocol_t *protocol)
{
    ((struct counting *) protocol)->dropped++;
}

static int
give(void *arg, asyncio_protocol_t **ret_protocol)
{
    *ret_protocol = arg;
    return 0;
}

/* Echoes one line of a client, then says good-bye. */
static int
one_line(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
         void *arg)
{
    char line[64];
    int r = asyncio_stream_writer_start_tls(writer, arg);

    if (r >= 0)
        r = (int) asyncio_stream_reader_readline(reader, line, sizeof line);
    if (r >= 0)
        r = asyncio_stream_writer_write(writer, line, (size_t) r);
    asyncio_stream_writer_close(writer);
    return r < 0 ? r : asyncio_stream_writer_wait_closed(writer);
}

/* parity: test_ssl.py TestSSL test_start_tls_client_reg_proto_1 */
/* parity: test_sslproto.py BaseStartTLS test_start_tls_client_reg_proto_1 */
/* parity: test_ssl.py TestSSL test_start_tls_client_buf_proto_1 */
/* parity: test_sslproto.py BaseStartTLS test_start_tls_client_buf_proto_1 */
BEHAVIOUR(a_protocol_goes_on_with_the_new_transport, .times = 2)
{
    struct counting p = {
        .protocol = {.connection_made = on_made,
                     .data_received = on_data,
                     .get_buffer = _i == 1 ? on_get_buffer : NULL,
                     .buffer_updated = _i == 1 ? on_updated : NULL,
                     .eof_received = on_eof,
                     .connection_lost = on_lost,
                     .drop = on_drop}};
    asyncio_ssl_context_t *theirs = server_context("server");
    asyncio_ssl_context_t *ours = client_context();
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_server_t *server = serve_plain(one_line, theirs);
    asyncio_transport_t *plain, *secret;

    asyncio_event_init(&p.over);
    assert_r(asyncio_loop_create_connection(loop, give, "127.0.0.1",
                                            asyncio_server_port(server),
                                            &plain, NULL, .arg = &p),
             0);
    assert_r(asyncio_loop_start_tls(loop, plain, &p.protocol, ours, &secret,
                                    .server_hostname = "server.test"),
             0);
    ck_assert_ptr_ne(secret, plain);
    ck_assert_ptr_eq(asyncio_transport_get_protocol(secret), &p.protocol);
    assert_r(asyncio_transport_write(secret, "hello there\n", 12), 0);
    assert_r(asyncio_event_wait(&p.over), 0);
    ck_assert_int_eq(p.made, 1);
    ck_assert_uint_eq(p.received, 12);
    ck_assert_int_eq(p.eof, 1);
    ck_assert_int_eq(p.lost, 1);
    assert_r(asyncio_sleep(0), 0);
    ck_assert_int_eq(p.dropped, 1);
    asyncio_event_fini(&p.over);
    end(server);
    asyncio_ssl_context_unref(theirs);
    asyncio_ssl_context_unref(ours);
}

/* parity: test_sslproto.py SslProtoHandshakeTests test_set_new_app_protocol */
BEHAVIOUR(the_protocol_of_a_tls_transport_can_be_replaced)
{
    struct counting first = {.protocol = {.data_received = on_data}};
    struct counting second = {
        .protocol = {.data_received = on_data, .connection_lost = on_lost}};
    asyncio_ssl_context_t *ours = client_context();
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_server_t *server = serve(echo, NULL, server_context("server"));
    asyncio_transport_t *t;

    asyncio_event_init(&second.over);
    assert_r(asyncio_loop_create_connection(
                 loop, give, "127.0.0.1", asyncio_server_port(server), &t,
                 NULL, .arg = &first, .ssl = ours),
             0);
    asyncio_transport_set_protocol(t, &second.protocol);
    ck_assert_ptr_eq(asyncio_transport_get_protocol(t), &second.protocol);
    assert_r(asyncio_transport_write(t, "hello", 5), 0);
    assert_r(asyncio_sleep(1), 0);
    ck_assert_uint_eq(first.received, 0);
    ck_assert_uint_eq(second.received, 5);
    asyncio_transport_close(t);
    assert_r(asyncio_event_wait(&second.over), 0);
    asyncio_event_fini(&second.over);
    end(server);
    asyncio_ssl_context_unref(ours);
}

/* parity: test_sslproto.py BaseStartTLS test_start_tls_wrong_args */
BEHAVIOUR(a_pipe_cannot_be_upgraded)
{
    struct counting p = {
        .protocol = {.connection_made = on_made, .connection_lost = on_lost}};
    asyncio_ssl_context_t *ours = client_context();
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_transport_t *t, *secret;
    int fds[2];

    asyncio_event_init(&p.over);
    ck_assert_int_eq(pipe(fds), 0);
    assert_r(asyncio_loop_connect_read_pipe(loop, give, fds[0], &t, NULL,
                                            .arg = &p),
             0);
    assert_r(asyncio_loop_start_tls(loop, t, &p.protocol, ours, &secret,
                                    .server_hostname = "server.test"),
             ASYNCIO_ERR_TYPE);
    assert_message("is not supported by start_tls()");
    asyncio_transport_close(t);
    assert_r(asyncio_event_wait(&p.over), 0);
    close(fds[1]);
    asyncio_event_fini(&p.over);
    asyncio_ssl_context_unref(ours);
}
