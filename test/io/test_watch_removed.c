/* SPDX-License-Identifier: MIT */
/* Descriptors that are ready when their callback has just been removed. */
#include "net.h"

#include <sys/socket.h>
#include <unistd.h>

/* Two that are ready in the same poll; whoever comes first removes the other. */
struct pair {
    int fds[2], peers[2], calls[2];
    int (*remove)(asyncio_loop_t *loop, int fd);
};

struct one {
    struct pair *pair;
    int i;
};

static int
on_ready(void *arg)
{
    struct one *self = arg;

    self->pair->calls[self->i]++;
    assert_r(self->pair->remove(LOOP, self->pair->fds[0]), 1);
    assert_r(self->pair->remove(LOOP, self->pair->fds[1]), 1);
    return 0;
}

static void
open_pair(struct pair *pair)
{
    for (int i = 0; i < 2; i++) {
        int ends[2];

        ck_assert_int_eq(
            socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
        pair->fds[i] = ends[0];
        pair->peers[i] = ends[1];
        ck_assert_int_eq(write(ends[1], "x", 1), 1);
    }
}

static void
only_the_first_is_called(struct pair *pair)
{
    for (int i = 0; i < 3; i++)
        assert_r(asyncio_sleep(0.001), 0);
    ck_assert_int_eq(pair->calls[0] + pair->calls[1], 1);
    for (int i = 0; i < 2; i++) {
        assert_r(pair->remove(LOOP, pair->fds[i]), 0);
        close(pair->fds[i]);
        close(pair->peers[i]);
    }
}

/* parity: test_selector_events.py BaseSelectorEventLoopTests test_process_events_read_cancelled */
BEHAVIOUR(a_reader_that_was_removed_is_not_called)
{
    struct pair pair = {.remove = asyncio_loop_remove_reader};
    struct one ones[2] = {{&pair, 0}, {&pair, 1}};

    open_pair(&pair);
    for (int i = 0; i < 2; i++)
        assert_r(asyncio_loop_add_reader(LOOP, pair.fds[i], on_ready,
                                         &ones[i]),
                 0);
    only_the_first_is_called(&pair);
}

/* parity: test_selector_events.py BaseSelectorEventLoopTests test_process_events_write_cancelled */
BEHAVIOUR(a_writer_that_was_removed_is_not_called)
{
    struct pair pair = {.remove = asyncio_loop_remove_writer};
    struct one ones[2] = {{&pair, 0}, {&pair, 1}};

    open_pair(&pair);
    for (int i = 0; i < 2; i++)
        assert_r(asyncio_loop_add_writer(LOOP, pair.fds[i], on_ready,
                                         &ones[i]),
                 0);
    only_the_first_is_called(&pair);
}
