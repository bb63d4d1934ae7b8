/* SPDX-License-Identifier: MIT */
/* add_reader, add_writer, wait_fd: descriptors of the program. */
#include <asyncio.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "behaviour.h"

struct reader {
    asyncio_loop_t *loop;
    int fd;
    int calls;
    int bytes;
    int stop_after;
    asyncio_future_t *done;
};

static int
read_some(void *arg)
{
    struct reader *self = arg;
    char buffer[4];
    ssize_t n = read(self->fd, buffer, sizeof buffer);

    self->calls++;
    if (n > 0)
        self->bytes += (int) n;
    if (n <= 0 || self->bytes >= self->stop_after) {
        assert_r(asyncio_loop_remove_reader(self->loop, self->fd), 1);
        asyncio_future_set_result(self->done, NULL);
    }
    return 0;
}

/* parity: test_events.py EventLoopTestsMixin test_reader_callback
 * parity: test_selector_events.py BaseSelectorEventLoopTests test_add_reader */
BEHAVIOUR(a_reader_is_called_as_long_as_there_is_something_and_at_the_end)
{
    struct reader r = {.loop = asyncio_get_running_loop(), .stop_after = 99};
    int ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends),
                     0);
    r.fd = ends[0];
    r.done = asyncio_future_new();
    assert_r(asyncio_loop_add_reader(r.loop, r.fd, read_some, &r), 0);
    ck_assert_int_eq(write(ends[1], "0123456789", 10), 10);
    close(ends[1]);
    assert_r(asyncio_await(r.done), 0);
    ck_assert_int_eq(r.bytes, 10);
    ck_assert_int_eq(r.calls, 4); /* 4 + 4 + 2 bytes, and the end */
    assert_r(asyncio_loop_remove_reader(r.loop, r.fd), 0);
    close(ends[0]);
    asyncio_future_unref(r.done);
}

static int
fill(void *arg)
{
    struct reader *self = arg;

    self->calls++;
    asyncio_future_set_result(self->done, NULL);
    assert_r(asyncio_loop_remove_writer(self->loop, self->fd), 1);
    assert_r(asyncio_loop_remove_writer(self->loop, self->fd), 0);
    return 0;
}

/* parity: test_events.py EventLoopTestsMixin test_writer_callback
 * parity: test_selector_events.py BaseSelectorEventLoopTests test_add_writer
 * parity: test_selector_events.py BaseSelectorEventLoopTests test_remove_writer
 * parity: test_selector_events.py BaseSelectorEventLoopTests test_remove_writer_unknown */
BEHAVIOUR(a_writer_is_called_when_there_is_room)
{
    struct reader w = {.loop = asyncio_get_running_loop()};
    int ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    w.fd = ends[0];
    w.done = asyncio_future_new();
    assert_r(asyncio_loop_remove_writer(w.loop, w.fd), 0);
    assert_r(asyncio_loop_add_writer(w.loop, w.fd, fill, &w), 0);
    assert_r(asyncio_await(w.done), 0);
    ck_assert_int_eq(w.calls, 1);
    close(ends[0]);
    close(ends[1]);
    asyncio_future_unref(w.done);
}

static int
bump(void *arg)
{
    ++*(int *) arg;
    return 0;
}

static void
pass_polls(void)
{
    for (int i = 0; i < 70; i++)
        assert_r(asyncio_sleep(0), 0);
}

/* parity: test_selector_events.py BaseSelectorEventLoopTests test_add_reader_existing
 * parity: test_selector_events.py BaseSelectorEventLoopTests test_add_reader_existing_writer
 * parity: test_selector_events.py BaseSelectorEventLoopTests test_remove_reader_read_write */
BEHAVIOUR(a_second_reader_replaces_the_first_and_leaves_the_writer_alone)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    int first = 0, second = 0, writer = 0;
    int ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    assert_r(asyncio_loop_add_writer(loop, ends[0], bump, &writer), 0);
    assert_r(asyncio_loop_add_reader(loop, ends[0], bump, &first), 0);
    assert_r(asyncio_loop_add_reader(loop, ends[0], bump, &second), 0);
    pass_polls();
    ck_assert_int_eq(first, 0);
    ck_assert_int_gt(second, 0);
    ck_assert_int_gt(writer, 0);
    assert_r(asyncio_loop_remove_reader(loop, ends[0]), 1);
    second = writer = 0;
    pass_polls();
    ck_assert_int_eq(second, 0);
    ck_assert_int_gt(writer, 0);
    assert_r(asyncio_loop_remove_writer(loop, ends[0]), 1);
    close(ends[0]);
    close(ends[1]);
}

/* parity: test_selector_events.py BaseSelectorEventLoopTests test_add_writer_existing
 * parity: test_selector_events.py BaseSelectorEventLoopTests test_remove_writer_read_write */
BEHAVIOUR(a_second_writer_replaces_the_first_and_leaves_the_reader_alone)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    int first = 0, second = 0, reader = 0;
    int ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    assert_r(asyncio_loop_add_reader(loop, ends[0], bump, &reader), 0);
    assert_r(asyncio_loop_add_writer(loop, ends[0], bump, &first), 0);
    assert_r(asyncio_loop_add_writer(loop, ends[0], bump, &second), 0);
    pass_polls();
    ck_assert_int_eq(first, 0);
    ck_assert_int_gt(second, 0);
    ck_assert_int_gt(reader, 0);
    assert_r(asyncio_loop_remove_writer(loop, ends[0]), 1);
    reader = 0;
    pass_polls();
    ck_assert_int_gt(reader, 0);
    assert_r(asyncio_loop_remove_reader(loop, ends[0]), 1);
    close(ends[0]);
    close(ends[1]);
}

/* parity: test_selector_events.py BaseSelectorEventLoopTests test_remove_reader_unknown
 * parity: test_selector_events.py BaseSelectorEventLoopTests test_remove_reader
 * parity: test_unix_events.py TestFunctional test_add_reader_invalid_argument */
BEHAVIOUR(descriptors_that_cannot_be_watched_are_refused)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    int calls = 0;
    int file = open("/proc/self/exe", O_RDONLY);

    assert_r(asyncio_loop_remove_reader(loop, 17), 0);
    assert_r(asyncio_loop_add_reader(loop, -1, bump, &calls),
             ASYNCIO_ERR_VALUE);
    assert_r(asyncio_loop_add_reader(loop, 999, bump, &calls), UV_EBADF);
    assert_r(asyncio_loop_add_reader(loop, file, bump, &calls), UV_EPERM);
    assert_r(asyncio_loop_add_reader(loop, 0, NULL, NULL), UV_EINVAL);
    close(file);
}

/* parity: test_events.py EventLoopTestsMixin test_remove_fds_after_closing
 * parity: test_events.py EventLoopTestsMixin test_add_fds_after_closing */
PLAIN(after_the_close_nothing_is_watched_any_more)
{
    asyncio_loop_t *loop = asyncio_new_event_loop();
    int ends[2], calls = 0;

    ck_assert_int_eq(pipe(ends), 0);
    assert_r(asyncio_loop_add_reader(loop, ends[0], bump, &calls), 0);
    assert_r(asyncio_loop_close(loop), 0);
    assert_r(asyncio_loop_remove_reader(loop, ends[0]), 0);
    assert_r(asyncio_loop_remove_writer(loop, ends[1]), 0);
    assert_r(asyncio_loop_add_reader(loop, ends[0], bump, &calls),
             ASYNCIO_ERR_LOOP_CLOSED);
    assert_r(asyncio_loop_add_writer(loop, ends[1], bump, &calls),
             ASYNCIO_ERR_LOOP_CLOSED);
    asyncio_loop_unref(loop);
    close(ends[0]);
    close(ends[1]);
}

BEHAVIOUR(a_number_that_was_closed_and_used_again_is_watched_anew)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    int ends[2], other[2], first = 0;

    ck_assert_int_eq(pipe(ends), 0);
    assert_r(asyncio_loop_add_reader(loop, ends[0], bump, &first), 0);
    close(ends[0]); /* without a word to the loop */
    close(ends[1]);
    pass_polls();
    ck_assert_int_eq(pipe(other), 0);
    ck_assert_int_eq(other[0], ends[0]);
    ck_assert_int_eq(write(other[1], "x", 1), 1);
    assert_r(asyncio_loop_add_reader(loop, other[0], bump, &first), 0);
    pass_polls();
    ck_assert_int_gt(first, 0);
    assert_r(asyncio_loop_remove_reader(loop, other[0]), 1);
    close(other[0]);
    close(other[1]);
}

BEHAVIOUR(watching_does_not_make_a_descriptor_non_blocking)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    int ends[2], calls = 0;

    ck_assert_int_eq(pipe(ends), 0);
    assert_r(asyncio_loop_add_reader(loop, ends[0], bump, &calls), 0);
    ck_assert_int_eq(fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);
    assert_r(asyncio_loop_remove_reader(loop, ends[0]), 1);
    close(ends[0]);
    close(ends[1]);
}

BEHAVIOUR(wait_fd_says_which_directions_are_ready)
{
    int ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_r(asyncio_wait_fd(ends[0], ASYNCIO_READABLE | ASYNCIO_WRITABLE),
             ASYNCIO_WRITABLE);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    assert_r(asyncio_wait_fd(ends[0], ASYNCIO_READABLE), ASYNCIO_READABLE);
    assert_r(asyncio_wait_fd(ends[0], ASYNCIO_READABLE | ASYNCIO_WRITABLE),
             ASYNCIO_READABLE | ASYNCIO_WRITABLE);
    assert_r(asyncio_wait_fd(ends[0], 0), UV_EINVAL);
    assert_r(asyncio_wait_fd(-1, ASYNCIO_READABLE), ASYNCIO_ERR_VALUE);
    close(ends[0]);
    close(ends[1]);
}

struct wait_readable {
    int fd;
};

static int
wait_readable(void *arg)
{
    struct wait_readable *self = arg;

    return asyncio_wait_fd(self->fd, ASYNCIO_READABLE);
}

BEHAVIOUR(a_task_that_waits_for_a_descriptor_is_not_pushed_aside)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    int ends[2], calls = 0;

    ck_assert_int_eq(pipe(ends), 0);
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(wait_readable, .fd = ends[0]));
    assert_r(asyncio_sleep(0), 0);
    assert_r(asyncio_loop_add_reader(loop, ends[0], bump, &calls), UV_EBUSY);
    assert_r(asyncio_wait_fd(ends[0], ASYNCIO_READABLE), UV_EBUSY);
    assert_r(asyncio_loop_remove_reader(loop, ends[0]), 0);
    ck_assert(asyncio_task_cancel(task));
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    assert_r(asyncio_loop_add_reader(loop, ends[0], bump, &calls), 0);
    asyncio_task_unref(task);
    close(ends[0]);
    close(ends[1]);
}

SCENARIO(watching_survives_the_failure_of_any_allocation)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    int ends[2], calls = 0;
    int r;

    ck_assert_int_eq(pipe(ends), 0);
    r = asyncio_loop_add_reader(loop, ends[0], bump, &calls);
    if (r == 0) {
        ck_assert_int_eq(write(ends[1], "x", 1), 1);
        while (calls == 0)
            assert_r(asyncio_sleep(0), 0);
        assert_r(asyncio_loop_remove_reader(loop, ends[0]), 1);
        r = asyncio_wait_fd(ends[1], ASYNCIO_WRITABLE);
    }
    close(ends[0]);
    close(ends[1]);
    return r < 0 ? r : 0;
}
