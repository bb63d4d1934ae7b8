/* SPDX-License-Identifier: MIT */
/* Unix sockets below streams: datagrams, full queues, files sent over them. */
#include "behaviour.h"

#include <asyncio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#define LOOP asyncio_get_running_loop()

/* Collects datagrams. */
struct peer {
    asyncio_datagram_protocol_t protocol; /* first */
    asyncio_transport_t *transport;
    asyncio_future_t *news;
    char data[64];
    size_t size;
    char from[120];
    int error;
};

static void
tell(struct peer *peer)
{
    if (!asyncio_future_done(peer->news))
        asyncio_future_set_result(peer->news, NULL);
}

static int
on_datagram(asyncio_datagram_protocol_t *self, const void *data, size_t size,
            const struct sockaddr *addr)
{
    struct peer *peer = (struct peer *) self;

    ck_assert_uint_lt(size, sizeof peer->data);
    memcpy(peer->data, data, size);
    peer->size = size;
    asyncio_sockaddr_repr(addr, peer->from, sizeof peer->from);
    tell(peer);
    return 0;
}

static int
on_error(asyncio_datagram_protocol_t *self,
         const asyncio_exception_t *exception)
{
    struct peer *peer = (struct peer *) self;

    peer->error = asyncio_exception_code(exception);
    tell(peer);
    return 0;
}

static int
on_lost(asyncio_protocol_t *self, const asyncio_exception_t *exception)
{
    struct peer *peer = (struct peer *) self;

    ck_assert_ptr_null(exception);
    tell(peer);
    return 0;
}

static int
give(void *arg, asyncio_protocol_t **ret_protocol)
{
    *ret_protocol = arg;
    return 0;
}

#define ENDPOINT(peer_, ...)                                                \
    asyncio_loop_create_datagram_endpoint(                                  \
        LOOP, give, &(peer_)->transport, NULL,                              \
        .arg = start(peer_), .family = AF_UNIX, __VA_ARGS__)

static struct peer *
start(struct peer *peer)
{
    peer->protocol.base.connection_lost = on_lost;
    peer->protocol.datagram_received = on_datagram;
    peer->protocol.error_received = on_error;
    peer->news = asyncio_future_new();
    return peer;
}

static void
wait_for_news(struct peer *peer)
{
    assert_r(asyncio_await(peer->news), 0);
    asyncio_future_unref(peer->news);
    peer->news = asyncio_future_new();
}

static void
stop(struct peer *peer)
{
    asyncio_transport_close(peer->transport);
    assert_r(asyncio_await(peer->news), 0);
    asyncio_future_unref(peer->news);
}

static void
assert_got(struct peer *peer, const char *text, const char *from)
{
    wait_for_news(peer);
    ck_assert_uint_eq(peer->size, strlen(text));
    ck_assert_mem_eq(peer->data, text, peer->size);
    ck_assert_str_eq(peer->from, from);
}

static char paths[2][64];

static void
new_paths(void)
{
    for (int i = 0; i < 2; i++)
        snprintf(paths[i], sizeof paths[i], "/tmp/asyncio-dgram-%d-%d",
                 (int) getpid(), i);
}

static void
remove_paths(void)
{
    unlink(paths[0]);
    unlink(paths[1]);
}

static struct sockaddr_un
address(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};

    snprintf(addr.sun_path, sizeof addr.sun_path, "%s", path);
    return addr;
}

static int
domain_of(asyncio_transport_t *transport)
{
    int fd = *(const int *) asyncio_transport_get_extra_info(transport,
                                                             "socket");
    int domain = -1;
    socklen_t size = sizeof domain;

    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
    return domain;
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_datagram_endpoint_sock_unix */
BEHAVIOUR(a_unix_endpoint_needs_no_address)
{
    struct peer peer = {.size = 0};

    assert_r(ENDPOINT(&peer, .proto = 0), 0);
    ck_assert_int_eq(domain_of(peer.transport), AF_UNIX);
    ck_assert_ptr_null(
        asyncio_transport_get_extra_info(peer.transport, "peername"));
    stop(&peer);
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_datagram_endpoint_existing_sock_unix */
BEHAVIOUR(a_stale_datagram_socket_file_is_replaced)
{
    struct peer peer = {.size = 0};
    struct sockaddr_un addr;
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    new_paths();
    addr = address(paths[0]);
    ck_assert_int_eq(bind(fd, (struct sockaddr *) &addr, sizeof addr), 0);
    close(fd);
    assert_r(ENDPOINT(&peer, .local_addr = {paths[0], 0}), 0);
    fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    ck_assert_int_eq(sendto(fd, "hi", 2, 0, (struct sockaddr *) &addr,
                            sizeof addr),
                     2);
    close(fd);
    assert_got(&peer, "hi", "");
    stop(&peer);
    remove_paths();
}

BEHAVIOUR(a_file_that_is_no_socket_stays_and_is_in_use)
{
    struct peer peer = {.size = 0};
    struct stat st;
    FILE *file;

    new_paths();
    file = fopen(paths[0], "w");
    fclose(file);
    assert_r(ENDPOINT(&peer, .local_addr = {paths[0], 0}), UV_EADDRINUSE);
    ck_assert_int_eq(stat(paths[0], &st), 0);
    ck_assert(S_ISREG(st.st_mode));
    asyncio_future_unref(peer.news);
    remove_paths();
}

BEHAVIOUR(unix_datagrams_go_there_and_back)
{
    struct peer server = {.size = 0}, client = {.size = 0};
    struct sockaddr_un back;

    new_paths();
    assert_r(ENDPOINT(&server, .local_addr = {paths[0], 0}), 0);
    assert_r(ENDPOINT(&client, .local_addr = {paths[1], 0},
                      .remote_addr = {paths[0], 0}),
             0);
    assert_r(asyncio_datagram_transport_sendto(client.transport, "ping", 4,
                                               NULL, 0),
             0);
    assert_got(&server, "ping", paths[1]);
    back = address(paths[1]);
    assert_r(asyncio_datagram_transport_sendto(
                 server.transport, "pong", 4, (struct sockaddr *) &back,
                 sizeof back),
             0);
    assert_got(&client, "pong", paths[0]);
    /* Nowhere else. */
    assert_r(asyncio_datagram_transport_sendto(
                 client.transport, "x", 1, (struct sockaddr *) &back,
                 sizeof back),
             ASYNCIO_ERR_VALUE);
    stop(&server);
    stop(&client);
    remove_paths();
}

BEHAVIOUR(an_abstract_endpoint_needs_no_file)
{
    struct peer server = {.size = 0}, client = {.size = 0};
    char name[64] = "";
    size_t size = 1 + (size_t) snprintf(name + 1, sizeof name - 1, "asyncio-%d",
                                        (int) getpid());

    assert_r(ENDPOINT(&server, .local_addr = {name, 0}, .local_size = size),
             0);
    assert_r(ENDPOINT(&client, .remote_addr = {name, 0}, .remote_size = size),
             0);
    assert_r(asyncio_datagram_transport_sendto(client.transport, "ping", 4,
                                               NULL, 0),
             0);
    assert_got(&server, "ping", "");
    stop(&server);
    stop(&client);
}

BEHAVIOUR(a_receiver_that_went_away_is_an_error_and_no_end)
{
    struct peer server = {.size = 0}, client = {.size = 0};

    new_paths();
    assert_r(ENDPOINT(&server, .local_addr = {paths[0], 0}), 0);
    assert_r(ENDPOINT(&client, .remote_addr = {paths[0], 0}), 0);
    stop(&server);
    assert_r(asyncio_datagram_transport_sendto(client.transport, "ping", 4,
                                               NULL, 0),
             0);
    wait_for_news(&client);
    ck_assert_int_eq(client.error, UV_ECONNREFUSED);
    ck_assert(!asyncio_transport_is_closing(client.transport));
    stop(&client);
    remove_paths();
}

BEHAVIOUR(paths_of_endpoints_that_are_none)
{
    struct peer peer = {.size = 0};
    char path[200];

    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    new_paths();
    assert_r(ENDPOINT(&peer, .local_addr = {path, 0}), UV_ENAMETOOLONG);
    asyncio_future_unref(peer.news);
    assert_r(ENDPOINT(&peer, .local_addr = {paths[0], 0},
                      .remote_addr = {"", 0}),
             ASYNCIO_ERR_VALUE);
    asyncio_future_unref(peer.news);
    assert_r(ENDPOINT(&peer, .remote_addr = {paths[0], 0}), UV_ENOENT);
    asyncio_future_unref(peer.news);
}

/* A listener whose queue is full, without a name. */
static int
full_listener(struct sockaddr_un *addr, socklen_t *size, int clients[2])
{
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);

    memset(addr, 0, sizeof *addr);
    addr->sun_family = AF_UNIX;
    *size = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + 1
                         + (size_t) snprintf(addr->sun_path + 1, 60,
                                             "asyncio-full-%d",
                                             (int) getpid()));
    ck_assert_int_eq(bind(listener, (struct sockaddr *) addr, *size), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    for (int i = 0; i < 2; i++) {
        clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        ck_assert_int_eq(connect(clients[i], (struct sockaddr *) addr, *size),
                         0);
    }
    return listener;
}

BEHAVIOUR(a_full_queue_is_told_and_may_be_tried_again)
{
    struct sockaddr_un addr;
    socklen_t size;
    int clients[2];
    int listener = full_listener(&addr, &size, clients);
    int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    asyncio_stream_reader_t *reader;
    asyncio_stream_writer_t *writer;

    assert_r(asyncio_loop_sock_connect(LOOP, sock, (struct sockaddr *) &addr,
                                       size),
             UV_EAGAIN);
    assert_r(asyncio_open_unix_connection(
                 addr.sun_path, &reader, &writer,
                 .path_size =
                     size - offsetof(struct sockaddr_un, sun_path)),
             UV_EAGAIN);
    close(accept(listener, NULL, NULL));
    assert_r(asyncio_loop_sock_connect(LOOP, sock, (struct sockaddr *) &addr,
                                       size),
             0);
    close(sock);
    close(listener);
    close(clients[0]);
    close(clients[1]);
}

enum { FILE_SIZE = 700 * 1000 }; /* more than a socket takes */

static int
make_file(void)
{
    char name[] = "/tmp/asyncio-XXXXXX";
    int fd = mkstemp(name);

    unlink(name);
    for (int i = 0; i < FILE_SIZE / 4; i++)
        ck_assert_int_eq(write(fd, &i, 4), 4);
    return fd;
}

/* Reads all, and checks it. */
struct checking {
    int fd;
    size_t before; /* bytes that are not of the file */
};

static int
checking(void *frame)
{
    struct checking *self = frame;
    size_t size = 0, max = FILE_SIZE + 16;
    char *data = malloc(max);
    int n;

    while ((n = asyncio_loop_sock_recv(LOOP, self->fd, data + size,
                                       max - size))
           > 0)
        size += (size_t) n;
    ck_assert_int_eq(n, 0);
    ck_assert_uint_eq(size, FILE_SIZE + self->before);
    for (int i = 0; i < FILE_SIZE / 4; i++)
        ck_assert_mem_eq(data + self->before + (size_t) i * 4, &i, 4);
    free(data);
    return 0;
}

BEHAVIOUR(a_file_goes_over_a_unix_socket)
{
    int file = make_file(), ends[2];
    asyncio_task_t *task;

    ck_assert_int_eq(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    task = asyncio_create_task(asyncio_coro(checking, .fd = ends[1]));
    ck_assert_int_eq(asyncio_loop_sock_sendfile(LOOP, ends[0], file),
                     FILE_SIZE);
    close(ends[0]);
    assert_r(asyncio_await(task), 0);
    asyncio_future_unref(task);
    close(ends[1]);
    close(file);
}

BEHAVIOUR(a_file_goes_over_a_unix_stream_behind_what_was_written)
{
    asyncio_protocol_t *protocol;
    asyncio_transport_t *transport;
    asyncio_stream_writer_t *writer;
    int file = make_file(), ends[2];
    asyncio_task_t *task;

    ck_assert_int_eq(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    assert_r(asyncio_stream_reader_protocol_new(NULL, &protocol), 0);
    assert_r(asyncio_loop_create_unix_connection(LOOP, give, NULL, &transport,
                                                 NULL, .arg = protocol,
                                                 .sock = &ends[0]),
             0);
    assert_r(asyncio_stream_writer_new(transport, protocol, NULL, &writer),
             0);
    task = asyncio_create_task(
        asyncio_coro(checking, .fd = ends[1], .before = 4));
    assert_r(asyncio_stream_writer_write(writer, "head", 4), 0);
    ck_assert_int_eq(asyncio_loop_sendfile(LOOP, transport, file), FILE_SIZE);
    asyncio_stream_writer_close(writer);
    assert_r(asyncio_stream_writer_wait_closed(writer), 0);
    asyncio_stream_writer_unref(writer);
    assert_r(asyncio_await(task), 0);
    asyncio_future_unref(task);
    close(ends[1]);
    close(file);
}
