/* SPDX-License-Identifier: MIT */
/* Pipes and terminals as transports: reading, writing, both on one. */
#include "behaviour.h"

#include <asyncio.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <uv.h>

#define LOOP asyncio_get_running_loop()

/* Notes what is called: m(ade) d(ata) e(of) l(ost). */
struct peer {
    asyncio_protocol_t protocol; /* first */
    asyncio_transport_t *transport;
    asyncio_future_t *lost;
    char calls[64];
    char data[64];
    size_t size;
    int lost_code;
};

static void
note(struct peer *peer, char call)
{
    size_t n = strlen(peer->calls);

    ck_assert_uint_lt(n + 1, sizeof peer->calls);
    peer->calls[n] = call;
}

static int
on_made(asyncio_protocol_t *self, asyncio_transport_t *transport)
{
    note((struct peer *) self, 'm');
    ((struct peer *) self)->transport = transport;
    return 0;
}

static int
on_data(asyncio_protocol_t *self, const void *data, size_t size)
{
    struct peer *peer = (struct peer *) self;

    note(peer, 'd');
    ck_assert_uint_lt(peer->size + size, sizeof peer->data);
    memcpy(peer->data + peer->size, data, size);
    peer->size += size;
    return 0;
}

static int
on_eof(asyncio_protocol_t *self)
{
    note((struct peer *) self, 'e');
    return 0;
}

static int
on_lost(asyncio_protocol_t *self, const asyncio_exception_t *exception)
{
    struct peer *peer = (struct peer *) self;

    note(peer, 'l');
    peer->lost_code = asyncio_exception_code(exception);
    return asyncio_future_set_result(peer->lost, NULL);
}

static struct peer
make_peer(void)
{
    return (struct peer){.protocol = {.connection_made = on_made,
                                      .data_received = on_data,
                                      .eof_received = on_eof,
                                      .connection_lost = on_lost},
                         .lost = asyncio_future_new()};
}

static int
give(void *arg, asyncio_protocol_t **ret_protocol)
{
    *ret_protocol = arg;
    return 0;
}

static void
read_from(struct peer *peer, int fd)
{
    assert_r(asyncio_loop_connect_read_pipe(LOOP, give, fd, NULL, NULL,
                                            .arg = peer),
             0);
    ck_assert_str_eq(peer->calls, "m");
    ck_assert_int_eq(*(const int *) asyncio_transport_get_extra_info(
                         peer->transport, "pipe"),
                     fd);
}

static void
write_to(struct peer *peer, int fd)
{
    assert_r(asyncio_loop_connect_write_pipe(LOOP, give, fd, NULL, NULL,
                                             .arg = peer),
             0);
    ck_assert_str_eq(peer->calls, "m");
    ck_assert_int_eq(*(const int *) asyncio_transport_get_extra_info(
                         peer->transport, "pipe"),
                     fd);
}

static void
wait_for_size(const struct peer *peer, size_t size)
{
    while (peer->size < size)
        assert_r(asyncio_sleep(0.001), 0);
    ck_assert_uint_eq(peer->size, size);
}

static void
finish(struct peer *peer)
{
    asyncio_transport_close(peer->transport);
    assert_r(asyncio_await(peer->lost), 0);
    asyncio_future_unref(peer->lost);
}

static void
say(int fd, const char *text)
{
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t) strlen(text));
}

/* parity: test_events.py EventLoopTestsMixin test_read_pipe */
BEHAVIOUR(a_pipe_is_read_until_its_writer_closes)
{
    struct peer peer = make_peer();
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    read_from(&peer, ends[0]);
    say(ends[1], "1");
    wait_for_size(&peer, 1);
    say(ends[1], "2345");
    wait_for_size(&peer, 5);
    ck_assert_mem_eq(peer.data, "12345", 5);
    ck_assert_str_eq(peer.calls, "mdd");
    close(ends[1]);
    assert_r(asyncio_await(peer.lost), 0);
    ck_assert_str_eq(peer.calls, "mddel");
    ck_assert_int_eq(peer.lost_code, 0);
    asyncio_future_unref(peer.lost);
}

/* A terminal in raw mode: what is written comes out as it is. */
static int
open_pty(int *ret_slave)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    struct termios mode;

    if (master < 0)
        return -1; /* there are none here */
    ck_assert_int_eq(grantpt(master), 0);
    ck_assert_int_eq(unlockpt(master), 0);
    *ret_slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(*ret_slave, 0);
    ck_assert_int_eq(tcgetattr(*ret_slave, &mode), 0);
    cfmakeraw(&mode);
    ck_assert_int_eq(tcsetattr(*ret_slave, TCSANOW, &mode), 0);
    return master;
}

/* parity: test_events.py EventLoopTestsMixin test_read_pty_output */
BEHAVIOUR(what_is_said_to_a_terminal_is_read_until_nobody_has_it)
{
    struct peer peer = make_peer();
    int slave, master = open_pty(&slave);

    if (master < 0) {
        asyncio_future_unref(peer.lost);
        return;
    }
    read_from(&peer, master);
    say(slave, "1");
    wait_for_size(&peer, 1);
    say(slave, "2345");
    wait_for_size(&peer, 5);
    ck_assert_mem_eq(peer.data, "12345", 5);
    close(slave);
    /* Which Linux calls an error, and is none to be reported. */
    assert_r(asyncio_await(peer.lost), 0);
    ck_assert_int_eq(peer.calls[strlen(peer.calls) - 1], 'l');
    ck_assert(peer.lost_code == 0 || peer.lost_code == UV_EIO);
    asyncio_future_unref(peer.lost);
}

static void
assert_reads(int fd, const char *text)
{
    char data[64];
    size_t size = 0;

    while (size < strlen(text)) {
        ssize_t n = read(fd, data + size, sizeof data - size);
        ck_assert_int_gt(n, 0);
        size += (size_t) n;
    }
    ck_assert_uint_eq(size, strlen(text));
    ck_assert_mem_eq(data, text, size);
}

/* parity: test_events.py EventLoopTestsMixin test_write_pty */
BEHAVIOUR(what_is_written_to_a_terminal_comes_out)
{
    struct peer peer = make_peer();
    int slave, master = open_pty(&slave);

    if (master < 0) {
        asyncio_future_unref(peer.lost);
        return;
    }
    write_to(&peer, slave);
    assert_r(asyncio_transport_write(peer.transport, "1", 1), 0);
    assert_reads(master, "1");
    assert_r(asyncio_transport_write(peer.transport, "2345", 4), 0);
    assert_reads(master, "2345");
    ck_assert_str_eq(peer.calls, "m");
    finish(&peer);
    ck_assert_str_eq(peer.calls, "ml");
    ck_assert_int_eq(peer.lost_code, 0);
    close(master);
}

/* parity: test_events.py EventLoopTestsMixin test_bidirectional_pty */
BEHAVIOUR(a_terminal_is_read_and_written_through_two_descriptors)
{
    struct peer reader = make_peer(), writer = make_peer();
    int slave, master = open_pty(&slave);

    if (master < 0) {
        asyncio_future_unref(reader.lost);
        asyncio_future_unref(writer.lost);
        return;
    }
    read_from(&reader, slave);
    write_to(&writer, dup(slave));
    assert_r(asyncio_transport_write(writer.transport, "1", 1), 0);
    assert_reads(master, "1");
    ck_assert_uint_eq(reader.size, 0);
    say(master, "a");
    wait_for_size(&reader, 1);
    /* What came in is no news for the writer. */
    ck_assert_str_eq(writer.calls, "m");
    assert_r(asyncio_transport_write(writer.transport, "2345", 4), 0);
    assert_reads(master, "2345");
    say(master, "bcde");
    wait_for_size(&reader, 5);
    ck_assert_mem_eq(reader.data, "abcde", 5);
    finish(&reader);
    finish(&writer);
    ck_assert_int_eq(reader.lost_code, 0);
    ck_assert_int_eq(writer.lost_code, 0);
    close(master);
}

/* parity: test_streams.py StreamTests test_read_all_from_pipe_reader */
BEHAVIOUR(everything_that_a_child_wrote_is_read_whatever_the_limit)
{
    asyncio_stream_reader_t *reader;
    asyncio_protocol_t *protocol;
    asyncio_bytes_t all;
    int ends[2], status;

    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 10; i++)
            if (write(ends[1], "data", 4) != 4)
                _exit(1);
        _exit(0);
    }
    close(ends[1]);
    assert_r(asyncio_stream_reader_new(1, &reader), 0);
    assert_r(asyncio_stream_reader_protocol_new(reader, &protocol), 0);
    assert_r(asyncio_loop_connect_read_pipe(LOOP, give, ends[0], NULL, NULL,
                                            .arg = protocol),
             0);
    assert_r(asyncio_stream_reader_read_view(reader, ASYNCIO_READ_ALL, &all),
             0);
    ck_assert_uint_eq(all.size, 40);
    for (size_t i = 0; i < all.size; i += 4)
        ck_assert_mem_eq((const char *) all.data + i, "data", 4);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    asyncio_stream_reader_unref(reader);
    for (int i = 0; i < 3; i++) /* the transport ends by itself */
        assert_r(asyncio_sleep(0), 0);
}
