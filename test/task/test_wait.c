/* SPDX-License-Identifier: MIT */
/*
 * wait: until a condition holds for several futures.
 */
#include "scenes.h"

#include "loop/loop.h"

#include <math.h>

static asyncio_task_t *
napper(double seconds, int result)
{
    return asyncio_create_task(
        asyncio_coro(nap, .seconds = seconds, .result = result));
}

/* parity: test_tasks.py BaseTaskTests test_wait */
/* parity: test_tasks.py BaseTaskTests test_wait_with_iterator_of_tasks */
/* parity: test_tasks.py BaseTaskTests test_wait_generator */
BEHAVIOUR(wait_returns_when_the_slowest_is_done)
{
    asyncio_task_t *tasks[] = {napper(0.15, 42), napper(0.1, 42)};

    assert_r(asyncio_wait(tasks, 2), 2);
    ck_assert_int_eq(now_ms(), 150);
    ck_assert(asyncio_task_done(tasks[0]) && asyncio_task_done(tasks[1]));
    assert_r(asyncio_wait(tasks, 2), 2);
    ck_assert_int_eq(now_ms(), 150);
    assert_r(asyncio_task_result(tasks[0]), 42);
    asyncio_future_unref_array(tasks, 2);
}

/* parity: test_tasks.py BaseTaskTests test_wait_duplicate_coroutines */
BEHAVIOUR(a_task_given_twice_is_waited_for_once)
{
    asyncio_task_t *task = napper(0.1, 1);
    asyncio_task_t *tasks[] = {task, task, task};

    assert_r(asyncio_wait(tasks, 3) > 0, 1);
    ck_assert_int_eq(now_ms(), 100);
    asyncio_task_unref(task);
}

/* parity: test_tasks.py BaseTaskTests test_wait_errors */
/* parity: test_tasks.py BaseTaskTests test_wait_invalid_args */
BEHAVIOUR(wait_refuses_nothing_and_unknown_conditions)
{
    asyncio_task_t *tasks[] = {napper(10, 1), NULL};

    assert_r(asyncio_wait(NULL, 0), ASYNCIO_ERR_VALUE);
    ck_assert_str_eq(newest_message(), "Set of Tasks/Futures is empty.");
    assert_r(asyncio_wait(tasks, 1, .return_when = (asyncio_return_when_t) -1),
             ASYNCIO_ERR_VALUE);
    assert_r(asyncio_wait(tasks, 2), UV_EINVAL);
    assert_r(asyncio_wait(NULL, 2), UV_EINVAL);
    assert_r(asyncio_wait(tasks, 1, .timeout = NAN), UV_EINVAL);
    asyncio_task_cancel(tasks[0]);
    asyncio_task_unref(tasks[0]);
}

/* parity: test_tasks.py BaseTaskTests test_wait_first_completed */
BEHAVIOUR(first_completed_leaves_the_others_running)
{
    asyncio_task_t *tasks[] = {napper(10, 1), napper(0.1, 2)};

    assert_r(asyncio_wait(tasks, 2, .return_when = ASYNCIO_FIRST_COMPLETED),
             1);
    ck_assert(!asyncio_task_done(tasks[0]));
    ck_assert(asyncio_task_done(tasks[1]));
    ck_assert_int_eq(now_ms(), 100);
    assert_r(asyncio_await(tasks[0]), 1);
    asyncio_future_unref_array(tasks, 2);
}

/* parity: test_tasks.py BaseTaskTests test_wait_really_done */
BEHAVIOUR(all_that_is_done_when_wait_resumes_counts)
{
    asyncio_task_t *tasks[] = {napper(-1, 1), napper(-1, 2)};

    assert_r(asyncio_wait(tasks, 2, .return_when = ASYNCIO_FIRST_COMPLETED),
             2);
    asyncio_future_unref_array(tasks, 2);
}

/* parity: test_tasks.py BaseTaskTests test_wait_first_exception */
/* parity: test_tasks.py BaseTaskTests test_wait_first_exception_in_wait */
BEHAVIOUR(first_exception_returns_when_one_fails, .times = 2)
{
    asyncio_task_t *tasks[] = {napper(10, 1),
                               napper(_i == 0 ? 0 : 0.01, UV_EIO)};

    catch_reports();
    assert_r(asyncio_wait(tasks, 2, .return_when = ASYNCIO_FIRST_EXCEPTION),
             1);
    ck_assert(!asyncio_task_done(tasks[0]));
    ck_assert(asyncio_task_done(tasks[1]));
    ck_assert_int_eq(now_ms(), _i == 0 ? 0 : 10);
    asyncio_task_cancel(tasks[0]);
    asyncio_future_unref_array(tasks, 2);
    ck_assert_int_eq(reports.count, 0);
}

BEHAVIOUR(first_exception_takes_no_notice_of_a_cancelled_task)
{
    asyncio_task_t *tasks[] = {napper(1, 1), napper(5, 1)};

    passes(1);
    asyncio_task_cancel(tasks[1]);
    assert_r(asyncio_wait(tasks, 2, .return_when = ASYNCIO_FIRST_EXCEPTION),
             2);
    ck_assert_int_eq(now_ms(), 1000);
    asyncio_future_unref_array(tasks, 2);
}

/* parity: test_tasks.py BaseTaskTests test_wait_with_exception */
BEHAVIOUR(wait_does_not_raise_what_its_tasks_raised)
{
    asyncio_task_t *tasks[] = {napper(0.1, 1), napper(0.15, UV_EIO)};

    for (int i = 0; i < 2; i++) {
        assert_r(asyncio_wait(tasks, 2), 2);
        ck_assert_int_eq(now_ms(), 150);
        assert_r(asyncio_task_result(tasks[1]), UV_EIO);
    }
    asyncio_future_unref_array(tasks, 2);
}

/* parity: test_tasks.py BaseTaskTests test_wait_with_timeout */
BEHAVIOUR(a_timeout_of_wait_cancels_nothing)
{
    asyncio_task_t *tasks[] = {napper(0.1, 1), napper(0.15, 2)};

    assert_r(asyncio_wait(tasks, 2, .timeout = 0.11), 1);
    ck_assert_int_eq(now_ms(), 110);
    ck_assert(asyncio_task_done(tasks[0]));
    ck_assert(!asyncio_task_done(tasks[1]));
    assert_r(asyncio_await(tasks[1]), 2);
    asyncio_future_unref_array(tasks, 2);
}

/* parity: test_tasks.py BaseTaskTests test_wait_concurrent_complete */
BEHAVIOUR(a_task_due_with_the_timeout_is_done)
{
    asyncio_task_t *tasks[] = {napper(0.1, 1), napper(0.15, 2)};

    passes(1); /* their clocks run before ours */
    assert_r(asyncio_wait(tasks, 2, .timeout = 0.1), 1);
    ck_assert(asyncio_task_done(tasks[0]));
    ck_assert(!asyncio_task_done(tasks[1]));
    assert_r(asyncio_await(tasks[1]), 2);
    asyncio_future_unref_array(tasks, 2);
}

struct waits {
    asyncio_future_t **futures;
    size_t count;
    double timeout;
    asyncio_return_when_t return_when;
};

static int
waits(void *arg)
{
    struct waits *self = arg;

    return asyncio_wait(self->futures, self->count, .timeout = self->timeout,
                        .return_when = self->return_when);
}

BEHAVIOUR(an_error_counts_as_seen_after_first_exception_was_cancelled)
{
    asyncio_future_t *f[] = {asyncio_future_new(), asyncio_future_new()};
    asyncio_task_t *waiter = asyncio_create_task(
        asyncio_coro(waits, .futures = f, .count = 2,
                     .return_when = ASYNCIO_FIRST_EXCEPTION));

    catch_reports();
    passes(1);
    asyncio_task_cancel(waiter);
    asyncio_future_set_exception(f[1], UV_EIO); /* told after the end */
    passes(2);
    assert_r(asyncio_task_result(waiter), ASYNCIO_ERR_CANCELLED);
    asyncio_task_unref(waiter);
    asyncio_future_unref_array(f, 2);
    ck_assert_int_eq(reports.count, 0);
}

BEHAVIOUR(cancelling_who_waits_cancels_nothing_else)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_task_t *tasks[] = {napper(1, 1)};
    asyncio_task_t *waiter = asyncio_create_task(
        asyncio_coro(waits, .futures = tasks, .count = 1, .timeout = 9));

    passes(2);
    asyncio_task_cancel(waiter, .message = "enough");
    assert_r(asyncio_await(waiter), ASYNCIO_ERR_CANCELLED);
    ck_assert_str_eq(newest_message(), "enough");
    ck_assert_uint_eq(loop->timers.count, 1);
    assert_r(asyncio_await(tasks[0]), 1);
    asyncio_task_unref(waiter);
    asyncio_future_unref_array(tasks, 1);
}

BEHAVIOUR(a_negative_timeout_of_wait_takes_what_is_done)
{
    asyncio_task_t *tasks[] = {napper(1, 1)};

    assert_r(asyncio_wait(tasks, 1, .timeout = -1), 0);
    ck_assert_int_eq(now_ms(), 0);
    assert_r(asyncio_wait(tasks, 1, .timeout = ASYNCIO_NO_TIMEOUT), 1);
    asyncio_future_unref_array(tasks, 1);
}

BEHAVIOUR(wait_refuses_futures_of_another_loop)
{
    asyncio_loop_t *other = virtual_loop();
    asyncio_future_t *f = asyncio_loop_create_future(other);

    assert_r(asyncio_wait(&f, 1), ASYNCIO_ERR_WRONG_LOOP);
    asyncio_future_unref(f);
    end_loop(other);
}
