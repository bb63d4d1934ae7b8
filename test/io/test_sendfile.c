/* SPDX-License-Identifier: MIT */
/* loop.sendfile over transports, by the kernel and in pieces; and where the
 * file's position is afterwards. */
#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

/* The system's, unless a test wants it missing. */
static bool no_sendfile;
static bool was_full; /* it found no room */

ssize_t
sendfile(int out, int in, off_t *offset, size_t count)
{
    ssize_t n;

    if (no_sendfile) {
        errno = ENOSYS;
        return -1;
    }
    n = syscall(SYS_sendfile, out, in, offset, count);
    was_full = n < 0 && errno == EAGAIN;
    return n;
}

/* The system's, which takes no more at once than a test allows. */
static size_t send_max;

ssize_t
send(int fd, const void *data, size_t size, int flags)
{
    if (send_max > 0 && size > send_max)
        size = send_max;
    return syscall(SYS_sendto, fd, data, size, flags, NULL, 0);
}

enum { SIZE = 1024 * 1024, HUGE_SIZE = 16 * SIZE };

static char
byte_at(size_t i)
{
    return (char) (i * 7 + i / 251);
}

static int
make_file(size_t size)
{
    char piece[4096];
    int fd = memfd_create("content", MFD_CLOEXEC);

    for (size_t at = 0; at < size; at += sizeof piece) {
        for (size_t i = 0; i < sizeof piece; i++)
            piece[i] = byte_at(at + i);
        ck_assert_int_eq(write(fd, piece, sizeof piece), sizeof piece);
    }
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static int64_t
position(int file)
{
    return lseek(file, 0, SEEK_CUR);
}

/* A transport on one end of a connection; the other end. */
static int
connected(struct peer *peer)
{
    int listener = bound(SOCK_STREAM, "127.0.0.1", 0);
    int size = 64 * 1024, ends[2];

    ck_assert_int_eq(listen(listener, 1), 0);
    setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    ends[0] = dial("127.0.0.1", port_of(listener));
    setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    ends[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    ck_assert_int_ge(ends[1], 0);
    close(listener);
    assert_r(asyncio_loop_create_connection(LOOP, peer_make, NULL,
                                            ASYNCIO_NO_PORT, NULL, NULL,
                                            .arg = peer, .sock = &ends[0]),
             0);
    return ends[1];
}

struct sending {
    asyncio_transport_t *transport;
    int file;
};

static int
sending(void *frame)
{
    struct sending *self = frame;

    return (int) asyncio_loop_sendfile(LOOP, self->transport, self->file);
}

static asyncio_task_t *
start_sending(struct peer *peer, int file)
{
    return asyncio_create_task(asyncio_coro(
        sending, .transport = peer->transport, .file = file));
}

/* Receive so many bytes, which are those of the file from `at` on. */
static void
receive(int fd, size_t at, size_t size)
{
    static char buffer[SIZE];

    while (size > 0) {
        int n = assert_ok(asyncio_loop_sock_recv(
            LOOP, fd, buffer, size < sizeof buffer ? size : sizeof buffer));

        ck_assert_int_gt(n, 0);
        for (int i = 0; i < n; i++)
            if (buffer[i] != byte_at(at + (size_t) i))
                ck_abort_msg("byte %zu is another one", at + (size_t) i);
        at += (size_t) n;
        size -= (size_t) n;
    }
}

static void
receive_text(int fd, const char *expected)
{
    char text[16] = "";

    assert_r(asyncio_loop_sock_recv(LOOP, fd, text, strlen(expected)),
             (int) strlen(expected));
    ck_assert_str_eq(text, expected);
}

/* parity: test_sendfile.py SendfileMixin test_sendfile
 * parity: test_sendfile.py SendfileMixin test_sendfile_force_fallback */
BEHAVIOUR(a_whole_file_is_sent, .times = 2)
{
    struct peer peer = {.size = 0};
    int file = make_file(SIZE), fd = connected(&peer);
    asyncio_task_t *task;

    no_sendfile = _i == 1;
    task = start_sending(&peer, file);
    receive(fd, 0, SIZE);
    assert_r(asyncio_await(task), SIZE);
    asyncio_task_unref(task);
    ck_assert_int_eq(position(file), SIZE);
    /* Reading goes on, and the protocol has heard of nothing. */
    ck_assert(asyncio_transport_is_reading(peer.transport));
    ck_assert_int_eq(write(fd, "x", 1), 1);
    WAIT_FOR(peer.size == 1);
    ck_assert_str_eq(peer.calls, "md");
    close(fd);
    peer_end(&peer);
    close(file);
}

/* parity: test_sendfile.py SendfileMixin test_sendfile_partial */
BEHAVIOUR(a_part_of_a_file_is_sent, .times = 2)
{
    struct peer peer = {.size = 0};
    int file = make_file(SIZE), fd = connected(&peer);

    no_sendfile = _i == 1;
    assert_r((int) asyncio_loop_sendfile(LOOP, peer.transport, file,
                                         .offset = 1000, .count = 100),
             100);
    ck_assert_int_eq(position(file), 1100);
    receive(fd, 1000, 100);
    peer_end(&peer);
    receive_text(fd, "");
    close(fd);
    close(file);
}

/* parity: test_sendfile.py SendfileMixin test_sendfile_pre_and_post_data */
BEHAVIOUR(what_is_written_before_and_after_keeps_its_place, .times = 2)
{
    static char before[SIZE];
    struct peer peer = {.size = 0};
    int file = make_file(SIZE), fd = connected(&peer);
    asyncio_task_t *task;

    no_sendfile = _i == 1;
    for (size_t i = 0; i < sizeof before; i++)
        before[i] = byte_at(i);
    assert_r(asyncio_transport_write(peer.transport, before, sizeof before),
             0);
    task = start_sending(&peer, file);
    receive(fd, 0, sizeof before);
    receive(fd, 0, SIZE);
    assert_r(asyncio_await(task), SIZE);
    asyncio_task_unref(task);
    assert_r(asyncio_transport_write(peer.transport, "after", 5), 0);
    receive_text(fd, "after");
    /* The protocol was paused before, and hears that there is room. */
    ck_assert_str_eq(peer.calls, "mpr");
    close(fd);
    peer_end(&peer);
    close(file);
}

/* parity: test_sendfile.py SendfileMixin test_sendfile_force_unsupported_native */
BEHAVIOUR(without_the_system_call_and_the_fallback_nothing_is_sent)
{
    struct peer peer = {.size = 0};
    int file = make_file(SIZE), fd = connected(&peer);
    char byte;

    no_sendfile = true;
    assert_r((int) asyncio_loop_sendfile(LOOP, peer.transport, file,
                                         .no_fallback = true),
             ASYNCIO_ERR_SENDFILE_NOT_AVAILABLE);
    ck_assert_int_eq(position(file), 0);
    ck_assert_int_eq(read(fd, &byte, 1), -1);
    ck_assert(asyncio_transport_is_reading(peer.transport));
    close(fd);
    peer_end(&peer);
    close(file);
}

/* parity: test_sendfile.py SendfileMixin test_sendfile_for_closing_transp */
BEHAVIOUR(over_a_closing_transport_no_file_is_sent)
{
    struct peer peer = {.size = 0};
    int file = make_file(4096), fd = connected(&peer);

    asyncio_transport_close(peer.transport);
    assert_r((int) asyncio_loop_sendfile(LOOP, peer.transport, file),
             ASYNCIO_ERR_RUNTIME);
    ck_assert_ptr_nonnull(strstr(error_text(), "is closing"));
    ck_assert_int_eq(position(file), 0);
    close(fd);
    peer_end(&peer);
    close(file);
}

BEHAVIOUR(a_second_sendfile_is_refused_and_the_first_goes_on, .times = 2)
{
    struct peer peer = {.size = 0};
    int file = make_file(HUGE_SIZE), fd = connected(&peer);
    asyncio_task_t *task;

    no_sendfile = _i == 1;
    task = start_sending(&peer, file);
    for (int i = 0; i < 10; i++)
        assert_r(asyncio_sleep(0), 0);
    assert_r((int) asyncio_loop_sendfile(LOOP, peer.transport, file),
             ASYNCIO_ERR_RUNTIME);
    ck_assert_ptr_nonnull(strstr(
        error_text(), "unable to sendfile; sendfile is in progress"));
    ck_assert(!asyncio_transport_is_reading(peer.transport));
    receive(fd, 0, HUGE_SIZE);
    assert_r(asyncio_await(task), HUGE_SIZE);
    asyncio_task_unref(task);
    /* Then the transport is free again. */
    assert_r((int) asyncio_loop_sendfile(LOOP, peer.transport, file,
                                         .count = 100),
             100);
    receive(fd, 0, 100);
    close(fd);
    peer_end(&peer);
    close(file);
}

BEHAVIOUR(while_a_file_is_sent_there_is_no_start_tls, .times = 2)
{
    struct peer peer = {.size = 0};
    int file = make_file(HUGE_SIZE), fd = connected(&peer);
    asyncio_transport_t *secret;
    asyncio_task_t *task;

    no_sendfile = _i == 1;
    task = start_sending(&peer, file);
    for (int i = 0; i < 10; i++)
        assert_r(asyncio_sleep(0), 0);
    assert_r(asyncio_loop_start_tls(LOOP, peer.transport, &peer.protocol,
                                    asyncio_ssl_context_default(), &secret,
                                    .server_hostname = "server.test"),
             ASYNCIO_ERR_RUNTIME);
    ck_assert_ptr_nonnull(strstr(
        error_text(), "unable to start_tls; sendfile is in progress"));
    receive(fd, 0, HUGE_SIZE);
    assert_r(asyncio_await(task), HUGE_SIZE);
    asyncio_task_unref(task);
    close(fd);
    peer_end(&peer);
    close(file);
}

static int
make_datagrams(void *arg, asyncio_protocol_t **ret_protocol)
{
    static asyncio_datagram_protocol_t protocol;

    (void) arg;
    *ret_protocol = &protocol.base;
    return 0;
}

/* parity: test_sendfile.py SendfileMixin test_sendfile_not_supported */
BEHAVIOUR(a_datagram_transport_sends_no_file)
{
    asyncio_transport_t *transport;
    int file = make_file(4096);

    assert_r(asyncio_loop_create_datagram_endpoint(
                 LOOP, make_datagrams, &transport, NULL,
                 .local_addr = {"127.0.0.1", 0}),
             0);
    lseek(file, 10, SEEK_SET);
    assert_r((int) asyncio_loop_sendfile(LOOP, transport, file),
             ASYNCIO_ERR_RUNTIME);
    ck_assert_ptr_nonnull(strstr(error_text(), "not supported"));
    ck_assert_int_eq(position(file), 10);
    asyncio_transport_abort(transport);
    assert_r(asyncio_sleep(0), 0);
    assert_r(asyncio_sleep(0), 0);
    close(file);
}

/* parity: test_sendfile.py SendfileMixin test_sendfile_no_fallback_for_fallback_transport */
BEHAVIOUR(a_transport_that_is_no_socket_gets_pieces_or_nothing)
{
    static char before[SIZE / 4], buffer[SIZE];
    struct peer peer = {.size = 0};
    int file = make_file(SIZE), ends[2];
    size_t got = 0, first = sizeof before;
    asyncio_task_t *task;

    for (size_t i = 0; i < first; i++)
        before[i] = byte_at(i);
    ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
    assert_r(asyncio_loop_connect_write_pipe(LOOP, peer_make, ends[1], NULL,
                                             NULL, .arg = &peer),
             0);
    assert_r((int) asyncio_loop_sendfile(LOOP, peer.transport, file,
                                         .no_fallback = true),
             ASYNCIO_ERR_RUNTIME);
    ck_assert_ptr_nonnull(strstr(error_text(), "fallback is disabled"));
    ck_assert_int_eq(position(file), 0);
    assert_r(asyncio_transport_write(peer.transport, before, first), 0);
    ck_assert_str_eq(peer.calls, "mp");
    task = start_sending(&peer, file);
    while (got < first + SIZE) {
        ssize_t n = read(ends[0], buffer, sizeof buffer);

        for (ssize_t i = 0; i < n; i++, got++)
            if (buffer[i] != byte_at(got < first ? got : got - first))
                ck_abort_msg("byte %zu is another one", got);
        /* No more than one piece waits in memory, behind what did before. */
        ck_assert_uint_le(
            asyncio_transport_get_write_buffer_size(peer.transport),
            512 * 1024);
        assert_r(asyncio_sleep(0), 0);
    }
    assert_r(asyncio_await(task), SIZE);
    asyncio_task_unref(task);
    ck_assert_str_eq(peer.calls, "mpr");
    peer_end(&peer);
    close(ends[0]);
    close(file);
}

/* parity: test_sendfile.py SendfileMixin test_sendfile_close_peer_in_the_middle_of_receiving
 * parity: test_sendfile.py SendfileMixin test_sendfile_fallback_close_peer_in_the_middle_of_receiving */
BEHAVIOUR(a_peer_that_goes_in_the_middle_is_an_error, .times = 2)
{
    struct peer peer = {.size = 0};
    int file = memfd_create("zeros", MFD_CLOEXEC), fd = connected(&peer), r;
    static char buffer[64 * 1024];
    size_t got = 0;
    asyncio_task_t *task;

    no_sendfile = _i == 1;
    ck_assert_int_eq(ftruncate(file, HUGE_SIZE), 0);
    task = start_sending(&peer, file);
    while (got < SIZE)
        got += (size_t) assert_ok(
            asyncio_loop_sock_recv(LOOP, fd, buffer, sizeof buffer));
    close(fd); /* with bytes unread: a reset */
    r = asyncio_await(task);
    ck_assert_msg(r == UV_EPIPE || r == UV_ECONNRESET, "it returned %d", r);
    asyncio_task_unref(task);
    ck_assert_int_ge(position(file), 1024);
    ck_assert_int_lt(position(file), HUGE_SIZE);
    ck_assert(asyncio_transport_is_closing(peer.transport));
    peer_end(&peer);
    ck_assert_int_eq(peer.calls[strlen(peer.calls) - 1], 'l');
    close(file);
}

BEHAVIOUR(a_reset_while_the_file_waits_for_room_is_told_as_such)
{
    struct peer peer = {.size = 0};
    int file = make_file(HUGE_SIZE), fd = connected(&peer);
    asyncio_task_t *task = start_sending(&peer, file);

    WAIT_FOR(was_full);
    close(fd); /* with bytes unread: a reset */
    assert_r(asyncio_await(task), UV_ECONNRESET);
    asyncio_task_unref(task);
    peer_end(&peer);
    ck_assert_int_eq(peer.lost_code, UV_ECONNRESET);
    close(file);
}

BEHAVIOUR(a_close_before_the_file_has_begun_ends_its_sending)
{
    static char before[HUGE_SIZE];
    struct peer peer = {.size = 0};
    int file = make_file(4096), fd = connected(&peer);
    asyncio_task_t *task;

    for (size_t i = 0; i < sizeof before; i++)
        before[i] = byte_at(i);
    assert_r(asyncio_transport_write(peer.transport, before, sizeof before),
             0);
    task = start_sending(&peer, file);
    assert_r(asyncio_sleep(0), 0);
    asyncio_transport_close(peer.transport);
    receive(fd, 0, sizeof before);
    assert_r(asyncio_await(task), UV_ECONNRESET);
    asyncio_task_unref(task);
    ck_assert_int_eq(position(file), 0);
    close(fd);
    peer_end(&peer);
    close(file);
}

BEHAVIOUR(sending_a_file_can_be_cancelled, .times = 2)
{
    struct peer peer = {.size = 0};
    int file = memfd_create("zeros", MFD_CLOEXEC), fd = connected(&peer);
    asyncio_task_t *task;

    no_sendfile = _i == 1;
    ck_assert_int_eq(ftruncate(file, HUGE_SIZE), 0);
    task = start_sending(&peer, file);
    for (int i = 0; i < 10; i++)
        assert_r(asyncio_sleep(0), 0);
    assert_r(asyncio_transport_pause_reading(peer.transport), 0);
    asyncio_task_cancel(task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    asyncio_task_unref(task);
    ck_assert(!asyncio_transport_is_closing(peer.transport));
    ck_assert_int_lt(position(file), HUGE_SIZE);
    /* The transport is as before: it takes writes, and reads. */
    assert_r(asyncio_transport_write(peer.transport, "x", 1), 0);
    ck_assert_int_eq(write(fd, "x", 1), 1);
    WAIT_FOR(peer.size == 1);
    asyncio_transport_abort(peer.transport);
    peer_end(&peer);
    close(fd);
    close(file);
}

struct sock_sending {
    int sock;
    int file;
};

static int
sock_sending(void *frame)
{
    struct sock_sending *self = frame;

    return (int) asyncio_loop_sock_sendfile(LOOP, self->sock, self->file);
}

BEHAVIOUR(the_position_is_behind_the_bytes_that_went_out, .times = 2)
{
    int file = make_file(HUGE_SIZE), size = 40000, ends[2];
    int listener = bound(SOCK_STREAM, "127.0.0.1", 0);
    static char buffer[SIZE];
    int64_t got = 0;
    asyncio_task_t *task;
    int n;

    no_sendfile = _i == 1;
    send_max = 1000; /* so that a piece goes in part */
    ck_assert_int_eq(listen(listener, 1), 0);
    setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    ends[0] = dial("127.0.0.1", port_of(listener));
    setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    ends[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    task = asyncio_create_task(
        asyncio_coro(sock_sending, .sock = ends[0], .file = file));
    for (int i = 0; i < 10; i++)
        assert_r(asyncio_sleep(0), 0);
    asyncio_task_cancel(task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    asyncio_task_unref(task);
    shutdown(ends[0], SHUT_WR);
    while ((n = asyncio_loop_sock_recv(LOOP, ends[1], buffer, sizeof buffer))
           > 0)
        got += n;
    assert_r(n, 0);
    ck_assert_int_gt(got, 0);
    ck_assert_int_eq(position(file), got);
    close(ends[0]);
    close(ends[1]);
    close(listener);
    close(file);
}

BEHAVIOUR(a_position_stays_when_nothing_is_sent, .times = 2)
{
    int file = make_file(4096), ends[2];

    no_sendfile = _i == 1;
    ck_assert_int_eq(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    lseek(file, 5, SEEK_SET);
    assert_r((int) asyncio_loop_sock_sendfile(LOOP, ends[0], file,
                                              .offset = 4096),
             0);
    ck_assert_int_eq(position(file), 5);
    close(ends[0]);
    close(ends[1]);
    close(file);
}
