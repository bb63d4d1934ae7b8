/* SPDX-License-Identifier: MIT */
/* TLS in the other calls: accepted sockets, sendfile, keywords; and its end. */
#include "peers.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* A stream's half of a connection. */
struct line_protocol {
    asyncio_protocol_t protocol;
    asyncio_transport_t *transport;
    char text[64];
    size_t size;
    int eof;
    asyncio_event_t over;
    int code; /* of connection_lost */
};

static struct line_protocol *
self_of(asyncio_protocol_t *protocol)
{
    return (struct line_protocol *) protocol;
}

static int
on_made(asyncio_protocol_t *protocol, asyncio_transport_t *transport)
{
    self_of(protocol)->transport = transport;
    return 0;
}

static int
on_data(asyncio_protocol_t *protocol, const void *data, size_t size)
{
    struct line_protocol *self = self_of(protocol);

    if (self->size + size < sizeof self->text)
        memcpy(self->text + self->size, data, size);
    self->size += size;
    return 0;
}

static int
on_eof(asyncio_protocol_t *protocol)
{
    self_of(protocol)->eof++;
    return 1; /* which TLS cannot do */
}

static int
on_lost(asyncio_protocol_t *protocol, const asyncio_exception_t *exception)
{
    self_of(protocol)->code = asyncio_exception_code(exception);
    asyncio_event_set(&self_of(protocol)->over);
    return 0;
}

static const asyncio_protocol_t callbacks = {.connection_made = on_made,
                                             .data_received = on_data,
                                             .eof_received = on_eof,
                                             .connection_lost = on_lost};

static int
give(void *arg, asyncio_protocol_t **ret_protocol)
{
    *ret_protocol = arg;
    return 0;
}

/* Connects to a socket, over TLS, and says one line. */
struct call {
    int port;
};

static int
call(void *arg)
{
    struct call *self = arg;
    asyncio_ssl_context_t *context = client_context();
    struct stream s;
    char line[64];

    assert_r(asyncio_open_connection("127.0.0.1", self->port, &s.reader,
                                     &s.writer, .ssl = context,
                                     .server_hostname = "server.test"),
             0);
    asyncio_ssl_context_unref(context);
    assert_r(asyncio_stream_writer_write(s.writer, "hello\n", 6), 0);
    ck_assert_int_eq(
        asyncio_stream_reader_readline(s.reader, line, sizeof line), 4);
    ck_assert_str_eq(line, "bye\n");
    hang_up(s);
    return 0;
}

/* parity: test_events.py EventLoopTestsMixin test_ssl_connect_accepted_socket */
/* parity: test_ssl.py TestSSL test_ssl_connect_accepted_socket */
BEHAVIOUR(a_socket_accepted_elsewhere_can_get_tls)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_ssl_context_t *context = server_context("server");
    struct line_protocol p = {.protocol = callbacks};
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof addr;
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    asyncio_event_init(&p.over);
    ck_assert_int_eq(bind(listening, (struct sockaddr *) &addr, size), 0);
    ck_assert_int_eq(listen(listening, 1), 0);
    getsockname(listening, (struct sockaddr *) &addr, &size);
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro(call, .port = ntohs(addr.sin_port)));
    assert_r(asyncio_sleep(0), 0);
    int sock = accept(listening, NULL, NULL);
    ck_assert_int_ge(sock, 0);
    close(listening);
    assert_r(asyncio_loop_connect_accepted_socket(loop, give, sock, NULL, NULL,
                                                  .arg = &p, .ssl = context),
             0);
    while (p.size < 6)
        assert_r(asyncio_sleep(0.01), 0);
    ck_assert_str_eq(p.text, "hello\n");
    assert_r(asyncio_transport_write(p.transport, "bye\n", 4), 0);
    assert_r(asyncio_await(task), 0);
    assert_r(asyncio_event_wait(&p.over), 0);
    ck_assert_int_eq(p.eof, 1);
    ck_assert_int_eq(p.code, 0);
    asyncio_future_unref(task);
    asyncio_event_fini(&p.over);
    asyncio_ssl_context_unref(context);
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_connection_ssl_timeout_for_plain_socket */
/* parity: test_events.py EventLoopTestsMixin test_connect_accepted_socket_ssl_timeout_for_plain_socket */
/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_server_ssl_timeout_for_plain_socket */
BEHAVIOUR(keywords_of_tls_mean_nothing_without_it)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    struct line_protocol p = {.protocol = callbacks};
    asyncio_server_t *server;

    assert_r(asyncio_loop_create_connection(loop, give, "127.0.0.1", 1, NULL,
                                            NULL, .arg = &p,
                                            .ssl_handshake_timeout = 1),
             ASYNCIO_ERR_VALUE);
    assert_message("ssl_handshake_timeout is only meaningful with ssl");
    assert_r(asyncio_loop_create_connection(loop, give, "127.0.0.1", 1, NULL,
                                            NULL, .arg = &p,
                                            .ssl_shutdown_timeout = 1),
             ASYNCIO_ERR_VALUE);
    assert_r(asyncio_loop_create_connection(loop, give, "127.0.0.1", 1, NULL,
                                            NULL, .arg = &p,
                                            .server_hostname = "a.test"),
             ASYNCIO_ERR_VALUE);
    assert_r(asyncio_loop_connect_accepted_socket(loop, give, 0, NULL, NULL,
                                                  .arg = &p,
                                                  .ssl_handshake_timeout = 1),
             ASYNCIO_ERR_VALUE);
    assert_message("ssl_handshake_timeout is only meaningful with ssl");
    assert_r(asyncio_loop_create_server(loop, give, "127.0.0.1", 0, &server,
                                        .arg = &p, .ssl_handshake_timeout = 1),
             ASYNCIO_ERR_VALUE);
    assert_message("ssl_handshake_timeout is only meaningful with ssl");
}

/* A file of one MiB and a bit, gone when it is closed. */
enum { FILE_SIZE = (1 << 20) + 77 };

static unsigned char
byte_at(size_t i)
{
    return (unsigned char) (i % 251);
}

static int
make_file(void)
{
    char path[] = "/tmp/asyncio-tls-XXXXXX";
    int fd = mkstemp(path);
    unsigned char *data = malloc(FILE_SIZE);

    unlink(path);
    for (size_t i = 0; i < FILE_SIZE; i++)
        data[i] = byte_at(i);
    ck_assert_int_eq(write(fd, data, FILE_SIZE), FILE_SIZE);
    free(data);
    return fd;
}

/* The bytes that a client sent until it closed. */
struct sink {
    size_t size;
    bool wrong;
    size_t skip; /* bytes before the file */
    size_t offset;
    size_t close_after; /* 0: never */
};

static int
swallow(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
        void *arg)
{
    static unsigned char buffer[65536];
    struct sink *sink = arg;
    ptrdiff_t n;

    while ((n = asyncio_stream_reader_read(reader, buffer, sizeof buffer))
           > 0) {
        for (ptrdiff_t i = 0; i < n; i++) {
            size_t at = sink->size + (size_t) i;

            if (at >= sink->skip
                && at - sink->skip + sink->offset < FILE_SIZE
                && buffer[i] != byte_at(at - sink->skip + sink->offset))
                sink->wrong = true;
        }
        sink->size += (size_t) n;
        if (sink->close_after > 0 && sink->size >= sink->close_after)
            break;
    }
    asyncio_stream_writer_close(writer);
    return n < 0 ? (int) n : 0;
}

/* parity: test_sendfile.py SendfileMixin test_sendfile_ssl */
/* parity: test_sendfile.py SendfileMixin test_sendfile_ssl_pre_and_post_data */
BEHAVIOUR(sendfile_over_tls_sends_the_file_in_pieces)
{
    struct sink sink = {.skip = 6};
    asyncio_server_t *server = serve(swallow, &sink, server_context("server"));
    struct stream s = connect_to(server);
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_transport_t *t = asyncio_stream_writer_transport(s.writer);
    int fd = make_file();

    assert_r(asyncio_transport_write(t, "before", 6), 0);
    ck_assert_int_eq(asyncio_loop_sendfile(loop, t, fd), FILE_SIZE);
    ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), FILE_SIZE);
    assert_r(asyncio_transport_write(t, "after", 5), 0);
    hang_up(s);
    end(server);
    ck_assert_uint_eq(sink.size, 6 + FILE_SIZE + 5);
    ck_assert(!sink.wrong);
    close(fd);
}

/* parity: test_sendfile.py SendfileMixin test_sendfile_ssl_partial */
BEHAVIOUR(sendfile_over_tls_sends_a_part_of_the_file)
{
    struct sink sink = {.offset = 1000};
    asyncio_server_t *server = serve(swallow, &sink, server_context("server"));
    struct stream s = connect_to(server);
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_transport_t *t = asyncio_stream_writer_transport(s.writer);
    int fd = make_file();

    ck_assert_int_eq(asyncio_loop_sendfile(loop, t, fd, .offset = 1000,
                                           .count = 100),
                     100);
    ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 1100);
    ck_assert_int_lt(asyncio_loop_sendfile(loop, t, fd, .no_fallback = true),
                     0);
    hang_up(s);
    end(server);
    ck_assert_uint_eq(sink.size, 100);
    ck_assert(!sink.wrong);
    close(fd);
}

/* parity: test_sendfile.py SendfileMixin test_sendfile_ssl_close_peer_after_receiving */
BEHAVIOUR(a_peer_may_close_once_it_has_the_whole_file)
{
    struct sink sink = {.close_after = FILE_SIZE};
    asyncio_server_t *server = serve(swallow, &sink, server_context("server"));
    struct stream s = connect_to(server);
    int fd = make_file();

    ck_assert_int_eq(
        asyncio_loop_sendfile(asyncio_get_running_loop(),
                              asyncio_stream_writer_transport(s.writer), fd),
        FILE_SIZE);
    assert_r(asyncio_sleep(1), 0);
    drop(s);
    end(server);
    ck_assert_uint_eq(sink.size, FILE_SIZE);
    ck_assert(!sink.wrong);
    close(fd);
}

/* Writes on the peer's end of file, after which nothing can be said. */
static int
last_word(asyncio_protocol_t *protocol)
{
    static char data[300 * 1024];

    self_of(protocol)->eof++;
    return asyncio_transport_write(self_of(protocol)->transport, data,
                                   sizeof data);
}

/* parity: test_ssl.py TestSSL test_remote_shutdown_receives_trailing_data */
BEHAVIOUR(what_waits_is_still_sent_when_the_peer_closes)
{
    struct line_protocol p = {.protocol = callbacks};
    asyncio_ssl_context_t *ours = client_context();
    asyncio_loop_t *loop = asyncio_get_running_loop();
    struct sink sink = {.close_after = 1};
    asyncio_server_t *server = serve(swallow, &sink, server_context("server"));

    p.protocol.eof_received = last_word;
    asyncio_event_init(&p.over);
    assert_r(asyncio_loop_create_connection(
                 loop, give, "127.0.0.1", asyncio_server_port(server), NULL,
                 NULL, .arg = &p, .ssl = ours),
             0);
    assert_r(asyncio_transport_write(p.transport, "x", 1), 0);
    assert_r(asyncio_event_wait(&p.over), 0);
    ck_assert_int_eq(p.eof, 1);
    ck_assert_int_eq(p.code, 0);
    asyncio_event_fini(&p.over);
    end(server);
    asyncio_ssl_context_unref(ours);
}

/* Never answers close_notify: reads nothing any more. */
static int
deaf(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
     void *arg)
{
    asyncio_event_t *go = arg;
    asyncio_transport_t *t = asyncio_stream_writer_transport(writer);

    (void) reader;
    (void) asyncio_transport_pause_reading(t);
    int r = asyncio_transport_write(t, "x", 1);
    if (r >= 0)
        r = asyncio_event_wait(go);
    asyncio_transport_abort(t);
    return r;
}

/* parity: test_ssl.py TestSSL test_shutdown_timeout_handler_leak */
/* parity: test_ssl.py TestSSL test_create_connection_memory_leak */
/* parity: test_sslproto.py BaseStartTLS test_create_connection_memory_leak */
BEHAVIOUR(a_peer_that_does_not_answer_close_notify_is_left)
{
    asyncio_ssl_context_t *ours = client_context();
    asyncio_event_t go;
    struct stream s;
    char heard;

    asyncio_event_init(&go);
    asyncio_server_t *server = serve(deaf, &go, server_context("server"));
    double before = asyncio_loop_time(asyncio_get_running_loop());
    assert_r(asyncio_open_connection("127.0.0.1", asyncio_server_port(server),
                                     &s.reader, &s.writer, .ssl = ours,
                                     .ssl_shutdown_timeout = 3),
             0);
    asyncio_ssl_context_unref(ours); /* the connection has its own */
    ck_assert_int_eq(asyncio_stream_reader_read(s.reader, &heard, 1), 1);
    asyncio_stream_writer_close(s.writer);
    assert_r(asyncio_stream_writer_wait_closed(s.writer), ASYNCIO_ERR_TIMEOUT);
    ck_assert_double_ge(asyncio_loop_time(asyncio_get_running_loop()),
                        before + 3);
    asyncio_stream_writer_unref(s.writer);
    asyncio_stream_reader_unref(s.reader);
    asyncio_event_set(&go);
    end(server);
    asyncio_event_fini(&go);
}
