/* SPDX-License-Identifier: MIT */
/*
 * call_soon_threadsafe: the only door into a loop from other threads.
 */
#include "scenes.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/macros.h"

static atomic_int calls;

static int
count_call(void *arg)
{
    (void) arg;
    atomic_fetch_add(&calls, 1);
    return 0;
}

static int
stop_loop(void *loop)
{
    asyncio_loop_stop(loop);
    return 0;
}

static void
pause_ms(long ms)
{
    struct timespec time = {.tv_nsec = ms * 1000 * 1000};

    nanosleep(&time, NULL);
}

static void *
wake_up_later(void *loop)
{
    pause_ms(5);
    assert_r(asyncio_loop_call_soon_threadsafe(loop, count_call, NULL), 0);
    assert_r(asyncio_loop_call_soon_threadsafe(loop, stop_loop, loop), 0);
    return NULL;
}

PLAIN(a_call_from_another_thread_wakes_a_loop_that_waits)
{
    asyncio_loop_t *loop = asyncio_new_event_loop();
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, wake_up_later, loop), 0);
    assert_r(asyncio_loop_run_forever(loop), 0);
    ck_assert_int_eq(atomic_load(&calls), 1);
    pthread_join(thread, NULL);
    end_loop(loop);
}

PLAIN(calls_of_both_kinds_keep_their_order_in_the_loops_thread)
{
    asyncio_loop_t *loop = virtual_loop();

    for (int i = 0; i < 3; i++) {
        asyncio_loop_call_soon(loop, trace_arg, LETTER("s"));
        asyncio_loop_call_soon_threadsafe(loop, trace_arg, LETTER("t"));
    }
    assert_r(asyncio_loop_run_once(loop, false), 0);
    assert_trace("ststst");
    end_loop(loop);
}

enum { THREADS = 4, CALLS = 5000 };

static atomic_int accepted;

static void *
call_until_closed(void *loop)
{
    for (;;) {
        int r = asyncio_loop_call_soon_threadsafe(loop, count_call, NULL,
                                                  .drop = count_drop);

        if (r < 0) {
            assert_r(r, ASYNCIO_ERR_LOOP_CLOSED);
            return NULL;
        }
        atomic_fetch_add(&accepted, 1);
    }
}

static void *
call_often(void *loop)
{
    for (int i = 0; i < CALLS; i++)
        assert_r(asyncio_loop_call_soon_threadsafe(loop, count_call, NULL), 0);
    return NULL;
}

PLAIN(no_call_of_many_threads_is_lost, .timeout = 60)
{
    asyncio_loop_t *loop = asyncio_new_event_loop();
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, call_often, loop),
                         0);
    while (atomic_load(&calls) < THREADS * CALLS)
        assert_r(asyncio_loop_run_once(loop, true), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(atomic_load(&calls), THREADS * CALLS);
    end_loop(loop);
}

PLAIN(calls_that_race_with_the_close_are_run_dropped_or_refused,
      .timeout = 60)
{
    asyncio_loop_t *loop = asyncio_new_event_loop();
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, call_until_closed, loop), 0);
    while (atomic_load(&calls) < 1000)
        assert_r(asyncio_loop_run_once(loop, true), 0);
    assert_r(asyncio_loop_close(loop), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(drops, atomic_load(&accepted));
    asyncio_loop_unref(loop);
}

struct cancelling {
    asyncio_handle_t *handle;
    atomic_int running;
    atomic_int ended;
    int ended_at_return;
};

static int
slow_callback(void *arg)
{
    struct cancelling *c = arg;

    atomic_store(&c->running, 1);
    pause_ms(20);
    atomic_store(&c->ended, 1);
    return 0;
}

static void *
cancel_while_running(void *arg)
{
    struct cancelling *c = arg;

    while (!atomic_load(&c->running))
        pause_ms(1);
    asyncio_handle_cancel(c->handle);
    c->ended_at_return = atomic_load(&c->ended);
    return NULL;
}

PLAIN(cancelling_a_callback_that_runs_waits_for_its_end)
{
    asyncio_loop_t *loop = asyncio_new_event_loop();
    struct cancelling c = {.handle = NULL};
    pthread_t thread;

    assert_r(asyncio_loop_call_soon_threadsafe(loop, slow_callback, &c,
                                               .ret_handle = &c.handle),
             0);
    ck_assert_int_eq(pthread_create(&thread, NULL, cancel_while_running, &c),
                     0);
    assert_r(asyncio_loop_run_once(loop, false), 0);
    pthread_join(thread, NULL);
    ck_assert_int_eq(c.ended_at_return, 1);
    asyncio_handle_unref(c.handle);
    end_loop(loop);
}

static void *
cancel_it(void *handle)
{
    asyncio_handle_cancel(handle);
    return NULL;
}

PLAIN(cancelling_before_the_run_prevents_it)
{
    asyncio_loop_t *loop = asyncio_new_event_loop();
    asyncio_handle_t *handle;
    pthread_t thread;

    assert_r(asyncio_loop_call_soon_threadsafe(loop, count_call, NULL,
                                               .ret_handle = &handle,
                                               .drop = count_drop),
             0);
    ck_assert_int_eq(pthread_create(&thread, NULL, cancel_it, handle), 0);
    pthread_join(thread, NULL);
    ck_assert(asyncio_handle_cancelled(handle));
    assert_r(asyncio_loop_run_once(loop, false), 0);
    ck_assert_int_eq(atomic_load(&calls), 0);
    ck_assert_int_eq(drops, 1);
    asyncio_handle_unref(handle);
    end_loop(loop);
}

static int
cancels_itself(void *arg)
{
    asyncio_handle_cancel(*(asyncio_handle_t **) arg);
    trace('s');
    return 0;
}

PLAIN(a_callback_may_cancel_itself)
{
    asyncio_loop_t *loop = asyncio_new_event_loop();
    asyncio_handle_t *handle;

    assert_r(asyncio_loop_call_soon_threadsafe(loop, cancels_itself, &handle,
                                               .ret_handle = &handle),
             0);
    assert_r(asyncio_loop_run_once(loop, false), 0);
    assert_trace("s");
    asyncio_handle_unref(handle);
    end_loop(loop);
}

static void *
use_foreign_loop(void *arg)
{
    asyncio_loop_t *loop = arg;
    asyncio_task_t *task;

    assert_r(asyncio_loop_run_forever(loop), ASYNCIO_ERR_WRONG_THREAD);
    assert_r(asyncio_loop_call_soon(loop, count_call, NULL),
             ASYNCIO_ERR_WRONG_THREAD);
    assert_r(asyncio_loop_call_later(loop, 1, count_call, NULL),
             ASYNCIO_ERR_WRONG_THREAD);
    task = asyncio_loop_create_task(loop, asyncio_coro(forever),
                                    .drop = count_drop);
    assert_r(asyncio_task_result(task), ASYNCIO_ERR_WRONG_THREAD);
    assert_r(asyncio_sleep(1), ASYNCIO_ERR_NO_RUNNING_LOOP);
    ck_assert_ptr_null(asyncio_get_running_loop());
    return NULL;
}

PLAIN(in_debug_mode_a_wrong_thread_is_refused)
{
    asyncio_loop_t *loop = asyncio_new_event_loop();
    pthread_t thread;

    asyncio_loop_set_debug(loop, true);
    ck_assert_int_eq(pthread_create(&thread, NULL, use_foreign_loop, loop),
                     0);
    pthread_join(thread, NULL);
    ck_assert_int_eq(drops, 1);
    end_loop(loop);
}

static char sequence[4];

static int
append_a(void *arg)
{
    (void) arg;
    strcat(sequence, "a");
    return 0;
}

static int
append_b(void *arg)
{
    (void) arg;
    strcat(sequence, "b");
    return 0;
}

static void *
send_a(void *loop)
{
    assert_r(asyncio_loop_call_soon_threadsafe(loop, append_a, NULL), 0);
    return NULL;
}

/* The thread has ended before the loop's own call. */
BEHAVIOUR(a_call_of_another_thread_is_not_overtaken_by_a_later_one_of_the_loop)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, send_a, loop), 0);
    pthread_join(thread, NULL);
    assert_r(asyncio_loop_call_soon(loop, append_b, NULL), 0);
    passes(3);
    ck_assert_str_eq(sequence, "ab");
}
