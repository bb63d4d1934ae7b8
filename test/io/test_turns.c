/* SPDX-License-Identifier: MIT */
/*
 * Many connections that all have something to read in the same poll: after some
 * of their tasks were woken these run, before the others are looked at.
 *
 * In real time: under a virtual clock a poll is not divided.
 */
#include <asyncio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "behaviour.h"
#include "loop/poll.h"
#include "pair.h"
#include "recorder.h"

enum { MANY = 2 * AIO__TURN + 20 };

static struct pair pairs[MANY];
static asyncio_task_t *tasks[MANY];
static int ran; /* tasks that have read */
static void (*first_does)(void);

struct reads {
    int i;
};

static int
reads(void *frame)
{
    struct reads *self = frame;
    char got[16];
    ptrdiff_t n =
        asyncio_stream_reader_read(pairs[self->i].reader, got, sizeof got);

    if (ran++ == 0 && first_does != NULL)
        first_does();
    return (int) n;
}

static void
open_all(int count)
{
    ran = 0;
    for (int i = 0; i < count; i++) {
        pairs[i] = pair_open(0);
        tasks[i] = asyncio_create_task(asyncio_coro(reads, .i = i));
    }
    assert_r(asyncio_sleep(0.01), 0);
}

static void
say_to_all(int count)
{
    for (int i = 0; i < count; i++)
        pair_say(&pairs[i], "ready");
}

static void
close_all(int count)
{
    for (int i = 0; i < count; i++) {
        asyncio_future_unref(tasks[i]);
        pair_close(&pairs[i]);
    }
}

static int ran_before;

static void
note_ran(struct recorder *self, char call)
{
    (void) self;
    if (call == 'd')
        ran_before = ran;
}

struct told {
    int count;
};

/* How many tasks ran before the last event of the poll was dealt with. */
static int
told(void *frame)
{
    struct told *self = frame;
    struct recorder last = {.called = note_ran};
    int peer = recorder_socket(&last);

    open_all(self->count);
    say_to_all(self->count);
    recorder_say(peer, "last");
    for (int i = 0; i < self->count; i++)
        ck_assert_int_eq(asyncio_await(tasks[i]), 5);
    close_all(self->count);
    recorder_close(&last, peer);
    return 0;
}

PLAIN(some_tasks_run_before_the_last_of_many_events)
{
    assert_r(asyncio_run(asyncio_coro(told, .count = MANY)), 0);
    ck_assert_int_eq(ran_before, 2 * AIO__TURN);
}

PLAIN(a_few_events_are_all_dealt_with_before_any_task_runs)
{
    assert_r(asyncio_run(asyncio_coro(told, .count = AIO__TURN - 1)), 0);
    ck_assert_int_eq(ran_before, 0);
}

/* Those whose events libuv has, and has not called back for. */
static void
close_the_others(void)
{
    for (int i = AIO__TURN; i < MANY; i++)
        asyncio_transport_abort(
            asyncio_stream_writer_transport(pairs[i].writer));
}

static int
closed_in_between(void *frame)
{
    (void) frame;
    first_does = close_the_others;
    open_all(MANY);
    say_to_all(MANY);
    for (int i = 0; i < MANY; i++)
        ck_assert_int_eq(asyncio_await(tasks[i]), i < AIO__TURN ? 5 : 0);
    close_all(MANY);
    return 0;
}

PLAIN(connections_may_be_closed_whose_events_are_still_to_come)
{
    assert_r(asyncio_run(asyncio_coro(closed_in_between)), 0);
}

static void
stop_loop(void)
{
    asyncio_loop_stop(asyncio_get_running_loop());
}

static int
opens(void *frame)
{
    (void) frame;
    open_all(MANY);
    return 0;
}

static int
ends(void *frame)
{
    (void) frame;
    for (int i = 0; i < MANY; i++)
        ck_assert_int_eq(asyncio_await(tasks[i]), 5);
    close_all(MANY);
    return 0;
}

PLAIN(a_loop_that_is_stopped_in_between_goes_on_later)
{
    asyncio_loop_t *loop = asyncio_new_event_loop();
    asyncio_task_t *task;

    first_does = stop_loop;
    task = asyncio_loop_create_task(loop, asyncio_coro(opens), NULL);
    assert_r(asyncio_loop_run_until_complete(loop, task), 0);
    asyncio_future_unref(task);
    say_to_all(MANY);
    assert_r(asyncio_loop_run_forever(loop), 0);
    ck_assert_int_ge(ran, 1);
    ck_assert_int_le(ran, AIO__TURN);
    task = asyncio_loop_create_task(loop, asyncio_coro(ends), NULL);
    assert_r(asyncio_loop_run_until_complete(loop, task), 0);
    asyncio_future_unref(task);
    ck_assert_int_eq(ran, MANY);
    assert_r(asyncio_loop_close(loop), 0);
    asyncio_loop_unref(loop);
}

/* A host asks libuv by itself while our loop does not run. */
PLAIN(no_task_runs_outside_of_the_loop)
{
    asyncio_loop_new_options_t options = {.size = sizeof options};
    asyncio_loop_t *loop;
    asyncio_task_t *task;
    uv_loop_t host;

    ck_assert_int_eq(uv_loop_init(&host), 0);
    options.uv = &host;
    assert_r(asyncio_loop_new(&options, &loop), 0);
    first_does = NULL;
    task = asyncio_loop_create_task(loop, asyncio_coro(opens), NULL);
    assert_r(asyncio_loop_run_until_complete(loop, task), 0);
    asyncio_future_unref(task);
    say_to_all(MANY);
    uv_run(&host, UV_RUN_NOWAIT);
    ck_assert_int_eq(ran, 0);
    task = asyncio_loop_create_task(loop, asyncio_coro(ends), NULL);
    assert_r(asyncio_loop_run_until_complete(loop, task), 0);
    asyncio_future_unref(task);
    assert_r(asyncio_loop_close(loop), 0);
    asyncio_loop_unref(loop);
    ck_assert_int_eq(uv_loop_close(&host), 0);
}

static int beats;

struct beat {
    bool *stop;
};

static int
beat(void *frame)
{
    struct beat *self = frame;

    while (!*self->stop) {
        beats++;
        assert_r(asyncio_sleep(0), 0);
    }
    return 0;
}

static int
with_others(void *frame)
{
    bool stop = false;
    asyncio_task_t *busy =
        asyncio_create_task(asyncio_coro(beat, .stop = &stop));

    (void) frame;
    first_does = NULL;
    open_all(MANY);
    say_to_all(MANY);
    for (int i = 0; i < MANY; i++)
        ck_assert_int_eq(asyncio_await(tasks[i]), 5);
    ck_assert_int_gt(beats, 0);
    stop = true;
    assert_r(asyncio_await(busy), 0);
    asyncio_future_unref(busy);
    close_all(MANY);
    return 0;
}

PLAIN(a_task_that_never_rests_keeps_nobody_from_their_turn)
{
    assert_r(asyncio_run(asyncio_coro(with_others)), 0);
}
