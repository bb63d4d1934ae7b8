/* SPDX-License-Identifier: MIT */
/* Unix sockets: what their functions refuse, and the files of servers. */
#include "behaviour.h"

#include <asyncio.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#define LOOP asyncio_get_running_loop()

/* A protocol that collects what comes. */
struct peer {
    asyncio_protocol_t protocol; /* first */
    asyncio_transport_t *transport;
    asyncio_future_t *lost;
    char data[64];
    size_t size;
    int lost_code;
};

static int
on_made(asyncio_protocol_t *self, asyncio_transport_t *transport)
{
    ((struct peer *) self)->transport = transport;
    return 0;
}

static int
on_data(asyncio_protocol_t *self, const void *data, size_t size)
{
    struct peer *peer = (struct peer *) self;

    ck_assert_uint_lt(peer->size + size, sizeof peer->data);
    memcpy(peer->data + peer->size, data, size);
    peer->size += size;
    return 0;
}

static int
on_lost(asyncio_protocol_t *self, const asyncio_exception_t *exception)
{
    struct peer *peer = (struct peer *) self;

    peer->lost_code = asyncio_exception_code(exception);
    return asyncio_future_set_result(peer->lost, NULL);
}

static struct peer
make_peer(void)
{
    return (struct peer){.protocol = {.connection_made = on_made,
                                      .data_received = on_data,
                                      .connection_lost = on_lost},
                         .lost = asyncio_future_new()};
}

static int
give(void *arg, asyncio_protocol_t **ret_protocol)
{
    *ret_protocol = arg;
    return 0;
}

/* A directory of this test's own. */
static char directory[64];

static const char *
path_in(const char *name)
{
    static char paths[4][100];
    static int next;
    char *path = paths[next++ % 4];

    if (directory[0] == '\0') {
        snprintf(directory, sizeof directory, "/tmp/asyncio-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(directory));
    }
    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

static void
clean_up(void)
{
    ck_assert_int_eq(rmdir(directory), 0);
}

static int
exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

static void
end(asyncio_server_t *server)
{
    asyncio_server_close(server);
    assert_r(asyncio_server_wait_closed(server), 0);
    asyncio_server_unref(server);
}

static void
assert_refused(int r, const char *message)
{
    assert_r(r, ASYNCIO_ERR_VALUE);
    ck_assert_str_eq(asyncio_exception_message(asyncio_current_exception()),
                     message);
}

#define CONNECT(path_, ...)                                                 \
    asyncio_loop_create_unix_connection(LOOP, give, (path_), NULL, NULL,    \
                                        __VA_ARGS__)
#define SERVE(path_, ...)                                                   \
    asyncio_loop_create_unix_server(LOOP, give, (path_), &server,           \
                                    __VA_ARGS__)

BEHAVIOUR(a_unix_connection_refuses_keywords_that_contradict_each_other)
{
    int inet = socket(AF_INET, SOCK_STREAM, 0);
    int ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
    /* parity: test_unix_events.py SelectorEventLoopUnixSocketTests test_create_unix_connection_path_sock */
    assert_refused(CONNECT("/dev/null", .sock = &inet),
                   "path and sock can not be specified at the same time");
    /* parity: test_unix_events.py SelectorEventLoopUnixSocketTests test_create_unix_connection_nopath_nosock */
    assert_refused(CONNECT(NULL, .arg = NULL),
                   "no path and sock were specified");
    /* parity: test_unix_events.py SelectorEventLoopUnixSocketTests test_create_unix_connection_path_inetsock */
    assert_r(CONNECT(NULL, .sock = &inet), ASYNCIO_ERR_VALUE);
    ck_assert_ptr_nonnull(
        strstr(asyncio_exception_message(asyncio_current_exception()),
               "A UNIX Domain Stream Socket was expected"));
    assert_r(CONNECT(NULL, .sock = &ends[0]), ASYNCIO_ERR_VALUE);
    /* parity: test_unix_events.py SelectorEventLoopUnixSocketTests test_create_unix_connection_nossl_serverhost */
    assert_refused(CONNECT("spam", .server_hostname = "spam"),
                   "server_hostname is only meaningful with ssl");
    /* parity: test_unix_events.py SelectorEventLoopUnixSocketTests test_create_unix_connection_ssl_timeout_with_plain_sock */
    assert_refused(CONNECT("spam", .ssl_handshake_timeout = 1),
                   "ssl_handshake_timeout is only meaningful with ssl");
    assert_refused(CONNECT("spam", .ssl_shutdown_timeout = 1),
                   "ssl_shutdown_timeout is only meaningful with ssl");
    /* What was refused is still the program's. */
    ck_assert_int_eq(close(inet), 0);
    ck_assert_int_eq(close(ends[0]), 0);
    ck_assert_int_eq(close(ends[1]), 0);
}

/* parity: test_unix_events.py SelectorEventLoopUnixSocketTests test_create_unix_connection_ssl_noserverhost */
BEHAVIOUR(tls_over_a_unix_socket_needs_a_server_hostname)
{
    /* The keywords are looked at before the context is. */
    char some[64];
    asyncio_ssl_context_t *ssl = (asyncio_ssl_context_t *) (void *) some;

    assert_r(CONNECT("spam", .ssl = ssl), ASYNCIO_ERR_VALUE);
    ck_assert_ptr_nonnull(
        strstr(asyncio_exception_message(asyncio_current_exception()),
               "server_hostname"));
}

BEHAVIOUR(a_unix_server_refuses_keywords_that_contradict_each_other)
{
    asyncio_server_t *server = NULL;
    int inet = socket(AF_INET, SOCK_STREAM, 0);
    int ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
    /* parity: test_events.py EventLoopTestsMixin test_create_unix_server_path_socket_error */
    assert_refused(SERVE("/test", .sock = &inet),
                   "path and sock can not be specified at the same time");
    /* parity: test_unix_events.py SelectorEventLoopUnixSocketTests test_create_unix_server_nopath_nosock */
    assert_refused(SERVE(NULL, .arg = NULL),
                   "no path and sock were specified");
    /* parity: test_unix_events.py SelectorEventLoopUnixSocketTests test_create_unix_server_path_inetsock */
    assert_r(SERVE(NULL, .sock = &inet), ASYNCIO_ERR_VALUE);
    /* parity: test_unix_events.py SelectorEventLoopUnixSocketTests test_create_unix_server_path_dgram */
    assert_r(SERVE(NULL, .sock = &ends[0]), ASYNCIO_ERR_VALUE);
    /* parity: test_unix_events.py SelectorEventLoopUnixSocketTests test_create_unix_server_ssl_timeout_with_plain_sock */
    assert_refused(SERVE("spam", .ssl_handshake_timeout = 1),
                   "ssl_handshake_timeout is only meaningful with ssl");
    ck_assert_ptr_null(server);
    ck_assert_int_eq(close(inet), 0);
    ck_assert_int_eq(close(ends[0]), 0);
    ck_assert_int_eq(close(ends[1]), 0);
}

/* parity: test_unix_events.py SelectorEventLoopUnixSocketTests test_create_unix_server_ssl_bool */
PLAIN(tls_of_a_server_is_a_context_and_no_boolean)
{
    ck_assert(_Generic(((asyncio_server_options_t *) NULL)->ssl,
                       asyncio_ssl_context_t *: true,
                       default: false));
}

BEHAVIOUR(paths_that_are_none)
{
    asyncio_server_t *server = NULL;
    char path[200];
    size_t max = sizeof((struct sockaddr_un *) NULL)->sun_path;

    memset(path, 'a', sizeof path);
    path[max] = '\0';
    assert_r(CONNECT(path, .arg = NULL), UV_ENAMETOOLONG);
    ck_assert_str_eq(asyncio_exception_message(asyncio_current_exception()),
                     "AF_UNIX path too long");
    assert_r(SERVE(path, .arg = NULL), UV_ENAMETOOLONG);
    assert_r(SERVE("", .arg = NULL), ASYNCIO_ERR_VALUE);
    assert_r(SERVE(path_in("missing/name"), .arg = NULL), UV_ENOENT);
    assert_r(CONNECT(path_in("missing"), .arg = NULL), UV_ENOENT);
    /* An abstract name needs no terminator. */
    path[0] = '\0';
    assert_r(SERVE(path, .path_size = max + 1), UV_ENAMETOOLONG);
    assert_r(SERVE(path, .path_size = max), 0);
    end(server);
    clean_up();
}

/* Sends `text` to a server that collects in `peer`. */
static void
send_to(const char *path, size_t path_size, struct peer *peer,
        const char *text)
{
    asyncio_stream_reader_t *reader;
    asyncio_stream_writer_t *writer;

    assert_r(asyncio_open_unix_connection(path, &reader, &writer,
                                          .path_size = path_size),
             0);
    assert_r(asyncio_stream_writer_write(writer, text, strlen(text)), 0);
    asyncio_stream_writer_close(writer);
    assert_r(asyncio_stream_writer_wait_closed(writer), 0);
    asyncio_stream_writer_unref(writer);
    asyncio_stream_reader_unref(reader);
    assert_r(asyncio_await(peer->lost), 0);
    asyncio_future_unref(peer->lost);
    ck_assert_int_eq(peer->lost_code, 0);
    ck_assert_uint_eq(peer->size, strlen(text));
    ck_assert_mem_eq(peer->data, text, peer->size);
}

/* parity: test_events.py EventLoopTestsMixin test_create_unix_server */
BEHAVIOUR(a_unix_server_accepts_and_receives)
{
    struct peer peer = make_peer();
    asyncio_server_t *server;
    const char *path = path_in("server");

    assert_r(SERVE(path, .arg = &peer), 0);
    ck_assert_int_eq(asyncio_server_port(server), -1);
    send_to(path, 0, &peer, "xxx");
    end(server);
    ck_assert(!exists(path));
    clean_up();
}

BEHAVIOUR(an_abstract_name_has_no_file)
{
    struct peer peer = make_peer();
    asyncio_server_t *server, *second = NULL;
    char name[64] = "";
    size_t size = 1 + (size_t) snprintf(name + 1, sizeof name - 1, "asyncio-%d",
                                        (int) getpid());

    assert_r(SERVE(name, .path_size = size, .arg = &peer), 0);
    assert_r(asyncio_loop_create_unix_server(LOOP, give, name, &second,
                                             .path_size = size),
             UV_EADDRINUSE);
    send_to(name, size, &peer, "abstract");
    end(server);
}

/* parity: test_events.py EventLoopTestsMixin test_create_unix_connection */
BEHAVIOUR(a_unix_connection_sends_and_receives)
{
    struct peer client = make_peer(), peer = make_peer();
    asyncio_transport_t *transport;
    asyncio_protocol_t *protocol;
    asyncio_server_t *server;
    const char *path = path_in("server");
    char text[100];

    assert_r(SERVE(path, .arg = &peer), 0);
    assert_r(asyncio_loop_create_unix_connection(LOOP, give, path, &transport,
                                                 &protocol, .arg = &client),
             0);
    ck_assert_ptr_eq(protocol, &client.protocol);
    ck_assert_ptr_eq(client.transport, transport);
    asyncio_sockaddr_repr(
        asyncio_transport_get_extra_info(transport, "peername"), text,
        sizeof text);
    ck_assert_str_eq(text, path);
    while (peer.transport == NULL)
        assert_r(asyncio_sleep(0.001), 0);
    assert_r(asyncio_transport_write(peer.transport, "hello", 5), 0);
    asyncio_transport_close(peer.transport);
    assert_r(asyncio_await(client.lost), 0);
    ck_assert_uint_eq(client.size, 5);
    asyncio_future_unref(client.lost);
    asyncio_future_unref(peer.lost);
    end(server);
    clean_up();
}

/* parity: test_server.py SelectorStartServerTests test_start_unix_server_1 */
BEHAVIOUR(a_unix_server_may_begin_to_serve_later)
{
    struct peer peer = make_peer();
    asyncio_server_t *server;
    const char *path = path_in("server");

    assert_r(SERVE(path, .arg = &peer, .no_start_serving = true), 0);
    ck_assert(!asyncio_server_is_serving(server));
    assert_r(CONNECT(path, .arg = NULL), UV_ECONNREFUSED);
    assert_r(asyncio_server_start_serving(server), 0);
    ck_assert(asyncio_server_is_serving(server));
    assert_r(asyncio_server_start_serving(server), 0);
    send_to(path, 0, &peer, "q");
    asyncio_server_close(server);
    ck_assert(!asyncio_server_is_serving(server));
    end(server);
    clean_up();
}
