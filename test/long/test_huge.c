/* SPDX-License-Identifier: MIT */
/* More in one write than an int counts, and than the kernel takes in one
 * call: every byte arrives, in order. */
#include "behaviour.h"

#include <asyncio.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

enum { MARKS = 9, PIECE = 1 << 20 };

/* Sparse: only the pages with marks are there. */
#define TOTAL ((size_t) 2200 * 1000 * 1000 + 7)
#define TWO_GIB ((size_t) 1 << 31)

static size_t
place(int mark)
{
    static const size_t places[MARKS] = {
        0,       1,           TWO_GIB / 2, TWO_GIB - 4097, TWO_GIB - 1,
        TWO_GIB, TWO_GIB + 1, TOTAL - 8,   TOTAL - 1};

    return places[mark];
}

static char *
make(void)
{
    char *data = mmap(NULL, TOTAL, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    ck_assert(data != MAP_FAILED);
    for (int i = 0; i < MARKS; i++)
        data[place(i)] = (char) ('A' + i);
    return data;
}

static int drops;

static void
unmap(void *data)
{
    drops++;
    munmap(data, TOTAL);
}

/* Reads until the end of file. */
struct drain {
    int fd;
    size_t size;   /* bytes that came */
    size_t others; /* that were not zero */
    size_t wrong;  /* where a mark was missing */
};

static void *
drain(void *arg)
{
    static char piece[PIECE];
    static const char zeros[PIECE];
    struct drain *self = arg;
    ssize_t n;
    int mark = 0;

    while ((n = read(self->fd, piece, sizeof piece)) > 0) {
        size_t end = self->size + (size_t) n;

        for (; mark < MARKS && place(mark) < end; mark++) {
            if (piece[place(mark) - self->size] != 'A' + mark)
                self->wrong++;
            piece[place(mark) - self->size] = 0;
        }
        if (memcmp(piece, zeros, (size_t) n) != 0)
            self->others++;
        self->size = end;
    }
    return NULL;
}

static int
give(void *arg, asyncio_protocol_t **ret_protocol)
{
    *ret_protocol = arg;
    return 0;
}

/* Once handed over, once copied as far as it has to wait. */
BEHAVIOUR(more_than_two_gigabytes_in_one_write_arrive, .times = 2,
          .timeout = 180)
{
    asyncio_protocol_t *protocol;
    asyncio_transport_t *transport;
    asyncio_stream_writer_t *writer;
    struct drain peer = {.size = 0};
    char *data = make();
    pthread_t thread;
    int ends[2], r;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends),
                     0);
    assert_r(asyncio_stream_reader_protocol_new(NULL, &protocol), 0);
    assert_r(asyncio_loop_create_unix_connection(
                 asyncio_get_running_loop(), give, NULL, &transport, NULL,
                 .arg = protocol, .sock = &ends[0]),
             0);
    assert_r(asyncio_stream_writer_new(transport, protocol, NULL, &writer),
             0);
    peer.fd = ends[1];
    ck_assert_int_eq(pthread_create(&thread, NULL, drain, &peer), 0);
    if (_i == 0) {
        assert_r(asyncio_transport_write_owned(transport, data, TOTAL, unmap),
                 0);
    } else {
        r = asyncio_stream_writer_write(writer, data, TOTAL);
        unmap(data);
        if (r == UV_ENOMEM) { /* a small machine */
            asyncio_transport_abort(transport);
            ck_assert(asyncio_stream_writer_is_closing(writer));
            (void) !asyncio_stream_writer_wait_closed(writer);
            peer.size = TOTAL;
        } else {
            assert_r(r, 0);
        }
    }
    if (!asyncio_stream_writer_is_closing(writer)) {
        ck_assert_uint_gt(asyncio_transport_get_write_buffer_size(transport),
                          INT32_MAX);
        assert_r(asyncio_stream_writer_drain(writer), 0);
        asyncio_stream_writer_close(writer);
        assert_r(asyncio_stream_writer_wait_closed(writer), 0);
    }
    asyncio_stream_writer_unref(writer);
    pthread_join(thread, NULL);
    close(ends[1]);
    ck_assert_int_eq(drops, 1);
    if (peer.size != TOTAL)
        ck_abort_msg("%zu of %zu bytes came", peer.size, TOTAL);
    ck_assert_uint_eq(peer.wrong, 0);
    ck_assert_uint_eq(peer.others, 0);
}
