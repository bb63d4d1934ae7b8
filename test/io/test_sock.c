/* SPDX-License-Identifier: MIT */
/* The socket calls that suspend, on real sockets. */
#include <asyncio.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "behaviour.h"

#define LOOP asyncio_get_running_loop()

static int
loopback(int type, struct sockaddr_in *addr)
{
    socklen_t size = sizeof *addr;
    int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);

    *addr = (struct sockaddr_in){.sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(bind(fd, (struct sockaddr *) addr, sizeof *addr), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *) addr, &size), 0);
    return fd;
}

static void
stream_pair(int ends[2])
{
    ck_assert_int_eq(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
}

/* Connected over TCP. */
static void
tcp_pair(int ends[2])
{
    struct sockaddr_in addr;
    int listener = loopback(SOCK_STREAM, &addr);

    ck_assert_int_eq(listen(listener, 5), 0);
    ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_r(asyncio_loop_sock_connect(LOOP, ends[0],
                                       (struct sockaddr *) &addr, sizeof addr),
             0);
    ends[1] = assert_ok(asyncio_loop_sock_accept(LOOP, listener, NULL, NULL));
    close(listener);
}

static void
close_pair(int ends[2])
{
    close(ends[0]);
    close(ends[1]);
}

struct send_all {
    int sock;
    const char *data;
    size_t size;
};

static int
send_all(void *arg)
{
    struct send_all *self = arg;

    return asyncio_loop_sock_sendall(LOOP, self->sock, self->data,
                                     self->size);
}

struct receive {
    int sock;
    char *buffer;
    int size;
};

static int
receive(void *arg)
{
    struct receive *self = arg;

    return asyncio_loop_sock_recv(LOOP, self->sock, self->buffer,
                                  (size_t) self->size);
}

enum {
    HUGE_SIZE = 1024 * 1024
};

static bool
transfer_is_exact(int ends[2])
{
    char *out = malloc(HUGE_SIZE), *in = malloc(HUGE_SIZE);
    size_t got = 0;

    for (int i = 0; i < HUGE_SIZE; i++)
        out[i] = (char) (i * 7 + i / 251);
    asyncio_task_t *task = asyncio_create_task(asyncio_coro(
        send_all, .sock = ends[0], .data = out, .size = HUGE_SIZE));
    while (got < HUGE_SIZE)
        got += (size_t) assert_ok(asyncio_loop_sock_recv_into(
            LOOP, ends[1], in + got, HUGE_SIZE - got));
    assert_r(asyncio_await(task), 0);
    bool same = memcmp(in, out, HUGE_SIZE) == 0;
    asyncio_task_unref(task);
    free(out);
    free(in);
    return same;
}

/* parity: test_sock_lowlevel.py BaseSockTestsMixin test_huge_content
 * parity: test_sock_lowlevel.py BaseSockTestsMixin test_huge_content_recvinto */
BEHAVIOUR(a_megabyte_arrives_in_order_over_tcp)
{
    int ends[2];

    tcp_pair(ends);
    ck_assert(transfer_is_exact(ends));
    close_pair(ends);
}

/* parity: test_sock_lowlevel.py BaseSockTestsMixin test_unix_sock_client_ops */
BEHAVIOUR(a_megabyte_arrives_in_order_over_a_unix_socket)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int ends[2], listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    unsigned size = sizeof addr;

    ck_assert_int_eq(bind(listener, (struct sockaddr *) &addr,
                          sizeof(sa_family_t)),
                     0); /* an abstract name of the kernel's choice */
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *) &addr, &size),
                     0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ends[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_r(asyncio_loop_sock_connect(LOOP, ends[0],
                                       (struct sockaddr *) &addr, size),
             0);
    ends[1] = assert_ok(asyncio_loop_sock_accept(LOOP, listener, NULL, NULL));
    ck_assert(transfer_is_exact(ends));
    close_pair(ends);
    close(listener);
}

/* parity: test_sock_lowlevel.py BaseSockTestsMixin test_sock_client_racing */
BEHAVIOUR(a_cancelled_receive_steals_nothing_from_the_next_one)
{
    char first[8] = "", second[8] = "";
    int ends[2];

    stream_pair(ends);
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro(receive, .sock = ends[0], .buffer = first, .size = 8));
    assert_r(asyncio_sleep(0), 0);
    ck_assert_int_eq(write(ends[1], "abc", 3), 3);
    asyncio_task_cancel(task);
    assert_r(asyncio_loop_sock_recv(LOOP, ends[0], second, 8), 3);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    ck_assert_str_eq(first, "");
    ck_assert_str_eq(second, "abc");
    asyncio_task_unref(task);
    close_pair(ends);
}

/* parity: test_sock_lowlevel.py BaseSockTestsMixin test_sock_client_racing */
BEHAVIOUR(a_cancelled_send_leaves_the_socket_to_the_next_one)
{
    char *data = calloc(1, HUGE_SIZE);
    char byte;
    int ends[2];

    stream_pair(ends);
    asyncio_task_t *task = asyncio_create_task(asyncio_coro(
        send_all, .sock = ends[0], .data = data, .size = HUGE_SIZE));
    assert_r(asyncio_sleep(0), 0);
    ck_assert(!asyncio_task_done(task));
    asyncio_task_cancel(task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    asyncio_task_unref(task);
    while (recv(ends[1], data, HUGE_SIZE, 0) > 0)
        ;
    assert_r(asyncio_loop_sock_sendall(LOOP, ends[0], "x", 1), 0);
    assert_r(asyncio_loop_sock_recv(LOOP, ends[1], &byte, 1), 1);
    ck_assert_int_eq(byte, 'x');
    close_pair(ends);
    free(data);
}

/* parity: test_events.py EventLoopTestsMixin test_prompt_cancellation */
BEHAVIOUR(cancelling_a_receive_needs_no_data)
{
    char buffer[8];
    int ends[2];

    stream_pair(ends);
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro(receive, .sock = ends[0], .buffer = buffer, .size = 8));
    assert_r(asyncio_sleep(0), 0);
    asyncio_task_cancel(task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    asyncio_task_unref(task);
    close_pair(ends);
}

/* parity: test_sock_lowlevel.py BaseSockTestsMixin test_recvfrom
 * parity: test_sock_lowlevel.py BaseSockTestsMixin test_recvfrom_into */
BEHAVIOUR(a_datagram_comes_with_its_sender)
{
    struct sockaddr_in one, two, from;
    unsigned size = sizeof from;
    int a = loopback(SOCK_DGRAM, &one), b = loopback(SOCK_DGRAM, &two);
    char buffer[16];

    assert_r(asyncio_loop_sock_sendto(LOOP, a, "hello", 5,
                                      (struct sockaddr *) &two, sizeof two),
             5);
    assert_r(asyncio_loop_sock_recvfrom(LOOP, b, buffer, sizeof buffer,
                                        (struct sockaddr *) &from, &size),
             5);
    ck_assert_mem_eq(buffer, "hello", 5);
    ck_assert_int_eq(from.sin_port, one.sin_port);
    assert_r(asyncio_loop_sock_sendto(LOOP, a, "hello", 5,
                                      (struct sockaddr *) &two, sizeof two),
             5);
    assert_r(asyncio_loop_sock_recvfrom_into(LOOP, b, buffer, 2, NULL, NULL),
             2);
    close(a);
    close(b);
}

struct send_one {
    int sock;
};

static int
send_one(void *arg)
{
    struct send_one *self = arg;

    return asyncio_loop_sock_sendto(LOOP, self->sock, "last", 4, NULL, 0);
}

/* parity: test_sock_lowlevel.py BaseSockTestsMixin test_sendto_blocking */
BEHAVIOUR(a_datagram_that_would_block_goes_when_there_is_room)
{
    char buffer[1024] = "";
    int ends[2], last = 0;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends),
                     0);
    while (send(ends[0], buffer, sizeof buffer, 0) > 0)
        ;
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(send_one, .sock = ends[0]));
    assert_r(asyncio_sleep(0), 0);
    ck_assert(!asyncio_task_done(task));
    while (last != 4)
        last = assert_ok(
            asyncio_loop_sock_recv(LOOP, ends[1], buffer, sizeof buffer));
    assert_r(asyncio_await(task), 4);
    asyncio_task_unref(task);
    close_pair(ends);
}

/* parity: test_sock_lowlevel.py BaseSockTestsMixin test_sock_client_fail
 * parity: test_selector_events.py BaseSelectorEventLoopTests test_sock_connect_resolve_using_socket_params */
BEHAVIOUR(connecting_to_a_closed_port_is_refused)
{
    struct sockaddr_in addr;
    int unused = loopback(SOCK_STREAM, &addr);
    int sock = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    close(unused);
    assert_r(asyncio_loop_sock_connect(LOOP, sock, (struct sockaddr *) &addr,
                                       sizeof addr),
             UV_ECONNREFUSED);
    close(sock);
}

/* parity: test_sock_lowlevel.py BaseSockTestsMixin test_sock_accept */
BEHAVIOUR(accept_gives_a_non_blocking_connection_and_the_peers_address)
{
    struct sockaddr_in addr, peer, mine;
    unsigned size = sizeof peer;
    socklen_t mine_size = sizeof mine;
    int listener = loopback(SOCK_STREAM, &addr);
    int client = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(connect(client, (struct sockaddr *) &addr, sizeof addr),
                     0);
    int conn = assert_ok(asyncio_loop_sock_accept(
        LOOP, listener, (struct sockaddr *) &peer, &size));
    ck_assert_int_ne(fcntl(conn, F_GETFL) & O_NONBLOCK, 0);
    getsockname(client, (struct sockaddr *) &mine, &mine_size);
    ck_assert_int_eq(peer.sin_port, mine.sin_port);
    close(conn);
    close(client);
    close(listener);
}

struct accept_one {
    int sock;
};

static int
accept_one(void *arg)
{
    struct accept_one *self = arg;

    return asyncio_loop_sock_accept(LOOP, self->sock, NULL, NULL);
}

/* parity: test_sock_lowlevel.py BaseSockTestsMixin test_cancel_sock_accept */
BEHAVIOUR(an_accept_that_timed_out_leaves_the_listener_free_to_be_closed)
{
    struct sockaddr_in addr;
    int listener = loopback(SOCK_STREAM, &addr);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    ck_assert_int_eq(listen(listener, 1), 0);
    assert_r(asyncio_wait_for(asyncio_coro(accept_one, .sock = listener), 0.1),
             ASYNCIO_ERR_TIMEOUT);
    close(listener);
    assert_r(asyncio_loop_sock_connect(LOOP, client, (struct sockaddr *) &addr,
                                       sizeof addr),
             UV_ECONNREFUSED);
    close(client);
}

/* parity: test_base_events.py BaseLoopSockSendfileTests test_blocking_socket */
BEHAVIOUR(debug_mode_refuses_a_blocking_socket)
{
    int ends[2];
    char byte;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    asyncio_loop_set_debug(LOOP, true);
    assert_r(asyncio_loop_sock_recv(LOOP, ends[0], &byte, 1),
             ASYNCIO_ERR_VALUE);
    ck_assert_str_eq(asyncio_exception_message(asyncio_current_exception()),
                     "the socket must be non-blocking");
    assert_r((int) asyncio_loop_sock_sendfile(LOOP, ends[0], 0),
             ASYNCIO_ERR_VALUE);
    asyncio_loop_set_debug(LOOP, false);
    assert_r(asyncio_loop_sock_recv(LOOP, ends[0], &byte, 1), 1);
    close_pair(ends);
}

BEHAVIOUR(a_peer_that_is_gone_is_an_error_and_no_signal)
{
    int ends[2];

    stream_pair(ends);
    close(ends[1]);
    signal(SIGPIPE, SIG_DFL);
    assert_r(asyncio_loop_sock_sendall(LOOP, ends[0], "x", 1), UV_EPIPE);
    close(ends[0]);
}

enum {
    FILE_SIZE = 1100 * 1000
};

static int
make_file(size_t size, char *content)
{
    char name[] = "/tmp/asyncio-sendfile-XXXXXX";
    int fd = mkstemp(name);

    unlink(name);
    for (size_t i = 0; i < size; i++)
        content[i] = (char) (i * 13 + i / 255);
    ck_assert_int_eq(write(fd, content, size), (ssize_t) size);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

struct drain {
    int sock;
    char *buffer;
    int size;
    int got;
};

static int
drain(void *arg)
{
    struct drain *self = arg;

    for (;;) {
        int r = asyncio_loop_sock_recv(LOOP, self->sock,
                                       self->buffer + self->got,
                                       (size_t) (self->size - self->got));
        if (r <= 0)
            return r;
        self->got += r;
    }
}

/* Send a file, with bytes before and after it, and compare. */
static int64_t
send_file(int sock, int peer, int file, const char *content, int64_t offset,
          int64_t count, int64_t expected)
{
    char *in = malloc(FILE_SIZE + 16);
    asyncio_task_t *task = asyncio_create_task(asyncio_coro(
        drain, .sock = peer, .buffer = in, .size = FILE_SIZE + 16));
    int64_t sent;

    assert_r(asyncio_loop_sock_sendall(LOOP, sock, "before", 6), 0);
    sent = asyncio_loop_sock_sendfile(LOOP, sock, file, .offset = offset,
                                      .count = count);
    ck_assert_int_eq(sent, expected);
    assert_r(asyncio_loop_sock_sendall(LOOP, sock, "after", 5), 0);
    shutdown(sock, SHUT_WR);
    assert_r(asyncio_await(task), 0);
    struct drain *frame = asyncio_task_frame(task);
    ck_assert_int_eq(frame->got, 6 + expected + 5);
    ck_assert_mem_eq(in, "before", 6);
    ck_assert_mem_eq(in + 6, content + offset, (size_t) expected);
    ck_assert_mem_eq(in + 6 + expected, "after", 5);
    ck_assert_int_eq(lseek(file, 0, SEEK_CUR), offset + expected);
    asyncio_task_unref(task);
    free(in);
    return sent;
}

/* parity: test_sendfile.py SockSendfileMixin test_sock_sendfile_success
 * parity: test_sendfile.py SockSendfileMixin test_sock_sendfile_mix_with_regular_send
 * parity: test_unix_events.py SelectorEventLoopUnixSockSendfileTests test_sock_sendfile_blocking_error */
BEHAVIOUR(sock_sendfile_sends_the_whole_file_between_other_bytes)
{
    char *content = malloc(FILE_SIZE);
    int file = make_file(FILE_SIZE, content), ends[2];

    tcp_pair(ends);
    ck_assert_int_eq(
        send_file(ends[0], ends[1], file, content, 0, 0, FILE_SIZE),
        FILE_SIZE);
    close_pair(ends);
    close(file);
    free(content);
}

/* parity: test_base_events.py BaseLoopSockSendfileTests test_sock_sendfile_fallback_offset_and_count */
BEHAVIOUR(sock_sendfile_sends_a_part_of_a_file)
{
    char *content = malloc(FILE_SIZE);
    int file = make_file(FILE_SIZE, content), ends[2];

    tcp_pair(ends);
    ck_assert_int_eq(
        send_file(ends[0], ends[1], file, content, 1000, 2000, 2000), 2000);
    close_pair(ends);
    close(file);
    free(content);
}

/* parity: test_sendfile.py SockSendfileMixin test_sock_sendfile_zero_size */
BEHAVIOUR(sock_sendfile_of_an_empty_file_sends_nothing)
{
    char content[1];
    int file = make_file(0, content), ends[2];

    tcp_pair(ends);
    ck_assert_int_eq(asyncio_loop_sock_sendfile(LOOP, ends[0], file), 0);
    close_pair(ends);
    close(file);
}

/* parity: test_base_events.py BaseLoopSockSendfileTests test_sock_sendfile_fallback
 * parity: test_unix_events.py SelectorEventLoopUnixSockSendfileTests test_sock_sendfile_os_error_first_call */
BEHAVIOUR(sock_sendfile_of_a_pipe_reads_and_sends)
{
    char buffer[8];
    int ends[2], pipes[2];

    tcp_pair(ends);
    ck_assert_int_eq(pipe(pipes), 0);
    ck_assert_int_eq(write(pipes[1], "piped", 5), 5);
    close(pipes[1]);
    ck_assert_int_eq(asyncio_loop_sock_sendfile(LOOP, ends[0], pipes[0]), 5);
    assert_r(asyncio_loop_sock_recv(LOOP, ends[1], buffer, 8), 5);
    ck_assert_mem_eq(buffer, "piped", 5);
    close(pipes[0]);
    close_pair(ends);
}

/* parity: test_base_events.py BaseLoopSockSendfileTests test_sock_sendfile_no_fallback
 * parity: test_base_events.py BaseLoopSockSendfileTests test__sock_sendfile_native_failure
 * parity: test_unix_events.py SelectorEventLoopUnixSockSendfileTests test_sock_sendfile_not_available
 * parity: test_unix_events.py SelectorEventLoopUnixSockSendfileTests test_sock_sendfile_not_a_file
 * parity: test_unix_events.py SelectorEventLoopUnixSockSendfileTests test_sock_sendfile_not_regular_file */
BEHAVIOUR(without_the_fallback_what_is_no_file_is_not_available)
{
    int ends[2], pipes[2];
    char byte;

    tcp_pair(ends);
    ck_assert_int_eq(pipe(pipes), 0);
    assert_r((int) asyncio_loop_sock_sendfile(LOOP, ends[0], pipes[0],
                                              .no_fallback = true),
             ASYNCIO_ERR_SENDFILE_NOT_AVAILABLE);
    assert_r((int) asyncio_loop_sock_sendfile(LOOP, ends[0], -1,
                                              .no_fallback = true),
             ASYNCIO_ERR_SENDFILE_NOT_AVAILABLE);
    ck_assert_int_eq(recv(ends[1], &byte, 1, 0), -1); /* nothing was sent */
    close_pair(pipes);
    close_pair(ends);
}

/* parity: test_base_events.py BaseLoopSockSendfileTests test_nonstream_socket
 * parity: test_base_events.py BaseLoopSockSendfileTests test_negative_count
 * parity: test_base_events.py BaseLoopSockSendfileTests test_negative_offset */
BEHAVIOUR(sock_sendfile_checks_its_arguments)
{
    struct sockaddr_in addr;
    int ends[2], udp = loopback(SOCK_DGRAM, &addr);

    stream_pair(ends);
    assert_r((int) asyncio_loop_sock_sendfile(LOOP, udp, 0),
             ASYNCIO_ERR_VALUE);
    ck_assert_str_eq(asyncio_exception_message(asyncio_current_exception()),
                     "only SOCK_STREAM type sockets are supported");
    assert_r((int) asyncio_loop_sock_sendfile(LOOP, ends[0], 0, .count = -1),
             ASYNCIO_ERR_VALUE);
    assert_r((int) asyncio_loop_sock_sendfile(LOOP, ends[0], 0, .offset = -1),
             ASYNCIO_ERR_VALUE);
    close_pair(ends);
    close(udp);
}

struct send_all_of {
    int sock;
    int file;
};

static int
send_all_of(void *arg)
{
    struct send_all_of *self = arg;

    return (int) asyncio_loop_sock_sendfile(LOOP, self->sock, self->file);
}

/* parity: test_unix_events.py SelectorEventLoopUnixSockSendfileTests test_sock_sendfile_cancel1
 * parity: test_unix_events.py SelectorEventLoopUnixSockSendfileTests test_sock_sendfile_cancel2 */
BEHAVIOUR(cancelling_sock_sendfile_stops_watching_the_socket)
{
    char *content = malloc(FILE_SIZE);
    int file = make_file(FILE_SIZE, content), ends[2];

    stream_pair(ends);
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro(send_all_of, .sock = ends[0], .file = file));
    assert_r(asyncio_sleep(0), 0);
    asyncio_task_cancel(task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    assert_r(asyncio_loop_remove_writer(LOOP, ends[0]), 0);
    ck_assert_int_gt(lseek(file, 0, SEEK_CUR), 0); /* what has gone has gone */
    asyncio_task_unref(task);
    close_pair(ends);
    close(file);
    free(content);
}

/* parity: test_unix_events.py SelectorEventLoopUnixSockSendfileTests test_sock_sendfile_os_error_next_call
 * parity: test_unix_events.py SelectorEventLoopUnixSockSendfileTests test_sock_sendfile_exception */
BEHAVIOUR(a_peer_that_goes_in_the_middle_of_a_file_is_an_error)
{
    char *content = malloc(FILE_SIZE);
    int file = make_file(FILE_SIZE, content), ends[2];

    stream_pair(ends);
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro(send_all_of, .sock = ends[0], .file = file));
    assert_r(asyncio_sleep(0), 0);
    close(ends[1]);
    assert_r(asyncio_await(task), UV_EPIPE);
    ck_assert_int_gt(lseek(file, 0, SEEK_CUR), 0);
    asyncio_task_unref(task);
    close(ends[0]);
    close(file);
    free(content);
}

SCENARIO(sockets_survive_the_failure_of_any_allocation)
{
    char byte = 0;
    int ends[2];
    int r;

    stream_pair(ends);
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro(receive, .sock = ends[0], .buffer = &byte, .size = 1));
    r = asyncio_sleep(0);
    if (r == 0)
        r = asyncio_loop_sock_sendall(LOOP, ends[1], "x", 1);
    if (r == 0)
        r = asyncio_await(task);
    asyncio_task_unref(task);
    close_pair(ends);
    return r < 0 ? r : 0;
}
