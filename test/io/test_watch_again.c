/* SPDX-License-Identifier: MIT */
/* Descriptors whose number is used again while somebody still watches it, or an
 * event for it is under way: what is new is never taken for what was there. */
#include <asyncio.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "net.h"

static int calls;

static int
count(void *arg)
{
    (void) arg;
    calls++;
    return 0;
}

static void
make_pair(int ends[2])
{
    ck_assert_int_eq(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
}

BEHAVIOUR(a_descriptor_that_was_moved_and_put_back_is_watched_again)
{
    int ends[2], saved, other;

    make_pair(ends);
    other = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_r(asyncio_loop_add_reader(LOOP, ends[0], count, NULL), 0);
    saved = dup(ends[0]);
    dup2(other, ends[0]);
    assert_r(asyncio_loop_remove_reader(LOOP, ends[0]), 1);
    dup2(saved, ends[0]); /* the kernel still has it registered */
    assert_r(asyncio_loop_add_reader(LOOP, ends[0], count, NULL), 0);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    WAIT_FOR(calls > 0);
    assert_r(asyncio_loop_remove_reader(LOOP, ends[0]), 1);
    close(saved);
    close(other);
    close(ends[0]);
    close(ends[1]);
}

static int
listener_of(int *ret_port)
{
    int listener = bound(SOCK_STREAM, "127.0.0.1", 0);

    ck_assert_int_eq(listen(listener, 5), 0);
    *ret_port = port_of(listener);
    return listener;
}

static void
assert_has_number(const struct peer *peer, int fd)
{
    const int *has =
        asyncio_transport_get_extra_info(peer->transport, "socket");

    ck_assert_int_eq(*has, fd);
}

struct waits {
    int fd;
};

static int
waits(void *frame)
{
    return asyncio_wait_fd(((struct waits *) frame)->fd, ASYNCIO_WRITABLE);
}

BEHAVIOUR(a_number_that_a_task_still_waits_for_can_connect)
{
    struct peer peer = {.size = 0};
    asyncio_task_t *task;
    int ends[2], port, listener = listener_of(&port);

    make_pair(ends);
    while (write(ends[0], "full", 4) > 0)
        ;
    task = asyncio_create_task(asyncio_coro(waits, .fd = ends[0]));
    assert_r(asyncio_sleep(0.001), 0);
    close(ends[0]); /* too early */
    assert_r(asyncio_loop_create_connection(LOOP, peer_make, "127.0.0.1", port,
                                            NULL, NULL, .arg = &peer),
             0);
    assert_has_number(&peer, ends[0]);
    ck_assert(!asyncio_future_done(task));
    ck_assert(asyncio_future_cancel(task));
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    asyncio_future_unref(task);
    peer_end(&peer);
    close(listener);
    close(ends[1]);
}

BEHAVIOUR(a_reader_of_a_closed_number_hears_nothing_of_the_connection_there)
{
    struct peer peer = {.size = 0};
    int ends[2], client, port, listener = listener_of(&port);

    make_pair(ends);
    assert_r(asyncio_loop_add_reader(LOOP, ends[0], count, NULL), 0);
    close(ends[0]); /* too early */
    assert_r(asyncio_loop_create_connection(LOOP, peer_make, "127.0.0.1", port,
                                            NULL, NULL, .arg = &peer),
             0);
    assert_has_number(&peer, ends[0]);
    client = accept(listener, NULL, NULL);
    ck_assert_int_eq(write(client, "hello", 5), 5);
    WAIT_FOR(peer.size == 5);
    assert_r(asyncio_sleep(0.01), 0);
    ck_assert_int_eq(calls, 0);
    peer_end(&peer);
    assert_r(asyncio_loop_remove_reader(LOOP, ends[0]), 1);
    close(listener);
    close(client);
    close(ends[1]);
}

/* Of two that are ready in the same poll the first closes the second, and
 * connects a socket that gets its number: to where nobody answers. */
static int first, second;
static struct hole hole;
static struct peer peer;
static asyncio_task_t *task;

static int
connects(void *frame)
{
    (void) frame;
    return asyncio_loop_create_connection(LOOP, peer_make, "127.0.0.1",
                                          hole.port, NULL, NULL, .arg = &peer);
}

static int
sock_connects(void *frame)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t) hole.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int r;

    (void) frame;
    ck_assert_int_eq(fd, second);
    r = asyncio_loop_sock_connect(LOOP, fd, (struct sockaddr *) &to, sizeof to);
    close(fd);
    return r;
}

static int
on_first(void *arg)
{
    assert_r(asyncio_loop_remove_reader(LOOP, first), 1);
    assert_r(asyncio_loop_remove_reader(LOOP, second), 1);
    close(second);
    task = asyncio_create_task(
        (asyncio_coro_t){.fn = arg != NULL ? connects : sock_connects},
        .eager_start = 1);
    return 0;
}

BEHAVIOUR(an_event_of_the_same_poll_connects_nothing, .times = 2)
{
    int a[2], b[2];

    hole = hole_open("127.0.0.1", 0);
    make_pair(a);
    make_pair(b);
    first = a[0];
    second = b[0];
    assert_r(asyncio_loop_add_reader(LOOP, first, on_first,
                                     _i == 0 ? NULL : &hole),
             0);
    assert_r(asyncio_loop_add_reader(LOOP, second, count, NULL), 0);
    ck_assert_int_eq(write(a[1], "x", 1), 1);
    close(b[1]);
    WAIT_FOR(task != NULL);
    assert_r(asyncio_sleep(0.01), 0);
    ck_assert_int_eq(calls, 0);
    ck_assert(!asyncio_future_done(task));
    ck_assert(asyncio_future_cancel(task));
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    asyncio_future_unref(task);
    close(a[1]);
    close(first);
    hole_close(&hole);
}
