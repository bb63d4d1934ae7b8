/* SPDX-License-Identifier: MIT */
/* Thread futures by themselves, and those of a loop that is not run. */
#include "behaviour.h"

#include <asyncio.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <uv.h>

static char order[8];
static unsigned order_count;

static int
note(asyncio_thread_future_t *future, void *arg)
{
    (void) future;
    order[order_count++] = *(const char *) arg;
    return 0;
}

PLAIN(callbacks_of_a_thread_future_run_in_the_order_of_the_calls)
{
    asyncio_thread_future_t *future = asyncio_thread_future_new();
    char names[] = "abc";

    for (int i = 0; i < 3; i++)
        asyncio_thread_future_add_done_callback(future, note, &names[i]);
    assert_r(asyncio_thread_future_set_result(future, NULL), 0);
    ck_assert_str_eq(order, "abc");
    asyncio_thread_future_unref(future);
}

PLAIN(the_result_of_a_failed_thread_future_comes_with_its_message)
{
    asyncio_thread_future_t *future = asyncio_thread_future_new();

    assert_r(asyncio_thread_future_set_exception(
                 future, asyncio_raise(UV_EIO, "disk")),
             0);
    asyncio_raise(UV_EINVAL, "something else");
    assert_r(asyncio_thread_future_result(future, 0), UV_EIO);
    ck_assert_str_eq(asyncio_exception_message(asyncio_current_exception()),
                     "disk");
    asyncio_thread_future_unref(future);
}

PLAIN(a_thread_future_fails_once)
{
    asyncio_thread_future_t *future = asyncio_thread_future_new();

    assert_r(asyncio_thread_future_set_result(future, NULL, .status = 7), 0);
    assert_r(asyncio_thread_future_set_exception(future, UV_EIO),
             ASYNCIO_ERR_INVALID_STATE);
    assert_r(asyncio_thread_future_result(future, 0), 7);
    asyncio_thread_future_unref(future);
}

static int bodies;

static int
body(void *frame)
{
    (void) frame;
    bodies++;
    return 0;
}

/* The loop's thread is ours. */
PLAIN(what_is_cancelled_before_the_loop_hears_of_it_never_starts)
{
    asyncio_loop_t *loop = asyncio_new_event_loop();
    asyncio_thread_future_t *future =
        asyncio_run_coroutine_threadsafe(asyncio_coro(body), loop);

    ck_assert(asyncio_thread_future_cancel(future));
    for (int i = 0; i < 4; i++)
        assert_r(asyncio_loop_run_once(loop, false), 0);
    ck_assert_int_eq(bodies, 0);
    asyncio_thread_future_unref(future);
    assert_r(asyncio_loop_close(loop), 0);
    asyncio_loop_unref(loop);
}

PLAIN(a_loop_that_closes_before_the_first_step_fails_the_thread_future)
{
    asyncio_loop_t *loop = asyncio_new_event_loop();
    asyncio_thread_future_t *future =
        asyncio_run_coroutine_threadsafe(asyncio_coro(body), loop);

    /* The task is made, and has not run. */
    assert_r(asyncio_loop_run_once(loop, false), 0);
    ck_assert_int_eq(bodies, 0);
    ck_assert(!asyncio_thread_future_done(future));
    assert_r(asyncio_loop_close(loop), 0);
    assert_r(asyncio_thread_future_result(future, 0), ASYNCIO_ERR_LOOP_CLOSED);
    asyncio_thread_future_unref(future);
    asyncio_loop_unref(loop);
}

struct held {
    sem_t *started;
    sem_t *go;
};

static int
held(void *frame)
{
    struct held *self = frame;

    sem_post(self->started);
    while (sem_wait(self->go) < 0)
        ;
    return 0;
}

PLAIN(jobs_that_wait_can_be_cancelled_by_the_end_of_their_pool)
{
    asyncio_thread_pool_t *pool = asyncio_thread_pool_new(.max_workers = 1);
    asyncio_thread_future_t *first, *second;
    sem_t started, go;

    sem_init(&started, 0, 0);
    sem_init(&go, 0, 0);
    first = asyncio_thread_pool_submit(
        pool, asyncio_coro(held, .started = &started, .go = &go));
    second = asyncio_thread_pool_submit(
        pool, asyncio_coro(held, .started = &started, .go = &go));
    while (sem_wait(&started) < 0)
        ;
    asyncio_thread_pool_shutdown(pool, .cancel_futures = true,
                                 .no_wait = true);
    ck_assert(asyncio_thread_future_cancelled(second));
    sem_post(&go);
    assert_r(asyncio_thread_future_result(first, ASYNCIO_NO_TIMEOUT), 0);
    asyncio_thread_pool_shutdown(pool);
    asyncio_thread_future_unref(first);
    asyncio_thread_future_unref(second);
    asyncio_thread_pool_unref(pool);
    sem_destroy(&started);
    sem_destroy(&go);
}
