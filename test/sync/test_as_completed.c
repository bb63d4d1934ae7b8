/* SPDX-License-Identifier: MIT */
#include "actors.h"

/* Ends after that many seconds, tracing its letter. */
static asyncio_task_t *
napper(double seconds, char letter)
{
    return START(nap, .seconds = seconds, .letter = letter, .result = letter);
}

/* parity: test_tasks.py BaseTaskTests test_as_completed */
BEHAVIOUR(futures_come_as_they_are_done)
{
    asyncio_task_t *tasks[3] = {napper(0.01, 'a'), napper(0.01, 'b'),
                                napper(0.15, 'c')};
    asyncio_as_completed_t *it = asyncio_as_completed(tasks, 3);
    asyncio_future_t *future;

    for (int i = 0; i < 3; i++) {
        assert_r(asyncio_as_completed_next(it, &future), 1);
        ck_assert_ptr_eq(future, tasks[i]);
        assert_r(asyncio_future_result(future), "abc"[i]);
        ck_assert_int_eq(now_ms(), i < 2 ? 10 : 150);
    }
    assert_r(asyncio_as_completed_next(it, &future), 0);
    assert_r(asyncio_as_completed_next(it, NULL), 0);
    asyncio_as_completed_unref(it);
    asyncio_future_unref_array(tasks, 3);
}

/* parity: test_tasks.py BaseTaskTests test_as_completed */
BEHAVIOUR(waiters_give_results_as_they_are_there)
{
    asyncio_task_t *tasks[3] = {napper(0.15, 'c'), napper(0.01, 'a'),
                                napper(0.02, 'b')};
    asyncio_as_completed_t *it = asyncio_as_completed(tasks, 3);
    asyncio_coro_t waiter;

    for (int i = 0; i < 3; i++) {
        asyncio_as_completed_waiter_t *frame;

        assert_r(asyncio_as_completed_next_waiter(it, &waiter), 1);
        frame = waiter.frame;
        ck_assert_ptr_null(frame->future);
        assert_r(asyncio_await(waiter), "abc"[i]);
        ck_assert_ptr_eq(frame->future, tasks[(i + 1) % 3]);
    }
    assert_r(asyncio_as_completed_next_waiter(it, &waiter), 0);
    asyncio_as_completed_unref(it);
    asyncio_future_unref_array(tasks, 3);
}

/* parity: test_tasks.py BaseTaskTests test_as_completed_with_timeout */
BEHAVIOUR(who_is_late_is_a_timeout_and_is_not_cancelled)
{
    asyncio_task_t *tasks[2] = {napper(0.1, 'a'), napper(0.15, 'b')};
    asyncio_as_completed_t *it = asyncio_as_completed(tasks, 2, .timeout = 0.12);
    asyncio_future_t *future;

    assert_r(asyncio_as_completed_next(it, &future), 1);
    ck_assert_ptr_eq(future, tasks[0]);
    assert_r(asyncio_as_completed_next(it, &future), ASYNCIO_ERR_TIMEOUT);
    ck_assert_int_eq(now_ms(), 120);
    assert_r(asyncio_as_completed_next(it, &future), 0);
    asyncio_as_completed_unref(it);
    ck_assert(!asyncio_task_done(tasks[1]));
    assert_r(asyncio_await(tasks[1]), 'b');
    asyncio_future_unref_array(tasks, 2);
}

BEHAVIOUR(each_future_that_is_late_is_a_timeout)
{
    asyncio_task_t *tasks[3] = {napper(9, 'a'), napper(9, 'b'),
                                napper(9, 'c')};
    asyncio_as_completed_t *it = asyncio_as_completed(tasks, 3, .timeout = -1);

    for (int i = 0; i < 3; i++)
        assert_r(asyncio_as_completed_next(it, NULL), ASYNCIO_ERR_TIMEOUT);
    assert_r(asyncio_as_completed_next(it, NULL), 0);
    ck_assert_int_eq(now_ms(), 0);
    asyncio_as_completed_unref(it);
    for (int i = 0; i < 3; i++)
        assert_r(end_by_cancel(tasks[i]), ASYNCIO_ERR_CANCELLED);
}

/* parity: test_tasks.py BaseTaskTests test_as_completed_with_unused_timeout */
BEHAVIOUR(a_timeout_that_is_not_used_leaves_no_timer)
{
    asyncio_task_t *tasks[1] = {napper(0.01, 'a')};
    asyncio_as_completed_t *it = asyncio_as_completed(tasks, 1, .timeout = 1);
    asyncio_future_t *future;

    assert_r(asyncio_as_completed_next(it, &future), 1);
    assert_r(asyncio_future_result(future), 'a');
    /* Nothing but a timer could wake this: there must be none. */
    assert_r(asyncio_sleep(5), 0);
    ck_assert_int_eq(now_ms(), 5010);
    assert_r(asyncio_as_completed_next(it, &future), 0);
    asyncio_as_completed_unref(it);
    asyncio_future_unref_array(tasks, 1);
}

/* parity: test_tasks.py BaseTaskTests test_as_completed_reverse_wait */
BEHAVIOUR(waiters_awaited_in_reverse_still_give_the_first_result_first)
{
    asyncio_task_t *tasks[2] = {napper(0.05, 'a'), napper(0.1, 'b')};
    asyncio_as_completed_t *it = asyncio_as_completed(tasks, 2);
    asyncio_coro_t waiters[2];

    assert_r(asyncio_as_completed_next_waiter(it, &waiters[0]), 1);
    assert_r(asyncio_as_completed_next_waiter(it, &waiters[1]), 1);
    assert_r(asyncio_await(waiters[1]), 'a');
    ck_assert_int_eq(now_ms(), 50);
    assert_r(asyncio_await(waiters[0]), 'b');
    ck_assert_int_eq(now_ms(), 100);
    asyncio_as_completed_unref(it);
    asyncio_future_unref_array(tasks, 2);
}

BEHAVIOUR(waiters_can_be_tasks)
{
    asyncio_task_t *tasks[2] = {napper(0.05, 'a'), napper(0.1, 'b')};
    asyncio_as_completed_t *it = asyncio_as_completed(tasks, 2);
    asyncio_task_t *waiting[2];
    asyncio_coro_t waiter;

    for (int i = 0; i < 2; i++) {
        assert_r(asyncio_as_completed_next_waiter(it, &waiter), 1);
        waiting[i] = asyncio_create_task(waiter);
    }
    for (int i = 0; i < 2; i++) {
        assert_r(asyncio_await(waiting[i]), "ab"[i]);
        asyncio_as_completed_waiter_t *frame = asyncio_task_frame(waiting[i]);
        ck_assert_ptr_eq(frame->future, tasks[i]);
    }
    asyncio_as_completed_unref(it);
    asyncio_future_unref_array(waiting, 2);
    asyncio_future_unref_array(tasks, 2);
}

/* parity: test_tasks.py BaseTaskTests test_as_completed_duplicate_coroutines */
BEHAVIOUR(a_future_given_twice_comes_once)
{
    asyncio_task_t *ham = napper(0, 'h'), *spam = napper(0, 's');
    asyncio_task_t *tasks[3] = {ham, ham, spam};
    asyncio_as_completed_t *it = asyncio_as_completed(tasks, 3);

    assert_r(asyncio_as_completed_next(it, NULL), 1);
    assert_r(asyncio_as_completed_next(it, NULL), 1);
    assert_r(asyncio_as_completed_next(it, NULL), 0);
    assert_trace("hs");
    asyncio_as_completed_unref(it);
    assert_r(finish(ham), 'h');
    assert_r(finish(spam), 's');
}

/* parity: test_tasks.py BaseTaskTests test_as_completed_coroutine_without_loop */
PLAIN(as_completed_without_a_loop_fails_at_its_first_step)
{
    asyncio_as_completed_t *it = asyncio_as_completed(NULL, 0);
    asyncio_coro_t waiter;

    assert_r(asyncio_as_completed_next(it, NULL),
             ASYNCIO_ERR_NO_RUNNING_LOOP);
    assert_r(asyncio_as_completed_next_waiter(it, &waiter),
             ASYNCIO_ERR_NO_RUNNING_LOOP);
    ck_assert_ptr_null(asyncio_as_completed_unref(it));
    ck_assert_ptr_null(asyncio_as_completed_unref(NULL));
}

/* parity: test_tasks.py BaseTaskTests test_as_completed_coroutine_use_running_loop */
BEHAVIOUR(coroutines_become_tasks_of_the_running_loop)
{
    asyncio_future_t *futures[1] = {asyncio_ensure_future(
        asyncio_coro(nap, .seconds = 0, .result = 7))};
    asyncio_as_completed_t *it = asyncio_as_completed(futures, 1);
    asyncio_future_t *future;

    assert_r(asyncio_as_completed_next(it, &future), 1);
    ck_assert_ptr_eq(asyncio_future_get_loop(future),
                     asyncio_get_running_loop());
    assert_r(asyncio_future_result(future), 7);
    asyncio_as_completed_unref(it);
    asyncio_future_unref_array(futures, 1);
}

/* parity: test_tasks.py BaseTaskTests test_as_completed_invalid_args */
BEHAVIOUR(as_completed_refuses_what_is_no_list_of_futures)
{
    asyncio_future_t *none[1] = {NULL};
    asyncio_as_completed_t *it = asyncio_as_completed(NULL, 1);

    assert_r(asyncio_as_completed_next(it, NULL), UV_EINVAL);
    asyncio_as_completed_unref(it);
    it = asyncio_as_completed(none, 1);
    assert_r(asyncio_as_completed_next(it, NULL), UV_EINVAL);
    asyncio_as_completed_unref(it);
    it = asyncio_as_completed(none, 0, .timeout = __builtin_nan(""));
    assert_r(asyncio_as_completed_next(it, NULL), UV_EINVAL);
    asyncio_as_completed_unref(it);
}

BEHAVIOUR(as_completed_refuses_futures_of_another_loop)
{
    asyncio_loop_t *other;

    assert_r(asyncio_testing_loop_factory(&other), 0);
    asyncio_future_t *futures[1] = {asyncio_loop_create_future(other)};
    asyncio_as_completed_t *it = asyncio_as_completed(futures, 1);
    assert_r(asyncio_as_completed_next(it, NULL), ASYNCIO_ERR_VALUE);
    asyncio_as_completed_unref(it);
    asyncio_future_unref_array(futures, 1);
    end_loop(other);
}

/* parity: test_tasks.py BaseTaskTests test_as_completed_same_tasks_in_as_out */
BEHAVIOUR(the_futures_that_come_are_those_that_were_given)
{
    asyncio_future_t *done = asyncio_future_new();
    asyncio_future_t *futures[2] = {napper(1, 'a'), done};
    asyncio_future_t *future;

    assert_r(asyncio_future_set_result(done, NULL), 0);
    asyncio_as_completed_t *it = asyncio_as_completed(futures, 2);
    assert_r(asyncio_as_completed_next(it, &future), 1);
    ck_assert_ptr_eq(future, done);
    assert_r(asyncio_as_completed_next(it, &future), 1);
    ck_assert_ptr_eq(future, futures[0]);
    asyncio_as_completed_unref(it);
    asyncio_future_unref_array(futures, 2);
}

/* parity: test_tasks.py BaseTaskTests test_as_completed_resume_iterator */
BEHAVIOUR(an_iteration_can_be_left_and_resumed)
{
    asyncio_task_t *tasks[4] = {napper(0.1, 'a'), napper(0.2, 'b'),
                                napper(0.3, 'c'), napper(0.4, 'd')};
    asyncio_as_completed_t *it = asyncio_as_completed(tasks, 4);
    asyncio_future_t *future;

    for (int i = 0; i < 4; i++) {
        assert_r(asyncio_as_completed_next(it, &future), 1);
        ck_assert_ptr_eq(future, tasks[i]);
        if (i == 1)
            assert_r(asyncio_sleep(1), 0);
    }
    assert_r(asyncio_as_completed_next(it, &future), 0);
    asyncio_as_completed_unref(it);
    asyncio_future_unref_array(tasks, 4);
}

BEHAVIOUR(an_iterator_can_be_given_up_early)
{
    asyncio_task_t *tasks[3] = {napper(0, 'a'), napper(1, 'b'),
                                napper(2, 'c')};
    asyncio_as_completed_t *it = asyncio_as_completed(tasks, 3, .timeout = 9);

    /* One is done, and its callback is scheduled. */
    while (!asyncio_task_done(tasks[0]))
        passes(1);
    asyncio_as_completed_unref(it);
    passes(1);
    assert_r(asyncio_await(tasks[2]), 'c');
    assert_trace("abc");
    asyncio_future_unref_array(tasks, 3);
}

struct step {
    asyncio_as_completed_t *it;
};

static int
step(void *arg)
{
    struct step *self = arg;

    return asyncio_as_completed_next(self->it, NULL);
}

BEHAVIOUR(a_step_that_is_cancelled_loses_no_future)
{
    asyncio_task_t *tasks[2] = {napper(1, 'a'), napper(2, 'b')};
    asyncio_as_completed_t *it = asyncio_as_completed(tasks, 2);
    asyncio_task_t *task = START(step, .it = it);
    asyncio_future_t *future;

    passes(1);
    assert_r(end_by_cancel(task), ASYNCIO_ERR_CANCELLED);
    assert_r(asyncio_as_completed_next(it, &future), 1);
    ck_assert_ptr_eq(future, tasks[0]);
    /* As in Python, the cancelled step was one of the two. */
    assert_r(asyncio_as_completed_next(it, &future), 0);
    asyncio_as_completed_unref(it);
    assert_r(asyncio_await(tasks[1]), 'b');
    asyncio_future_unref_array(tasks, 2);
}

BEHAVIOUR(a_failed_future_comes_and_its_waiter_fails)
{
    asyncio_future_t *futures[2] = {
        START(nap, .seconds = 1, .result = UV_EIO),
        START(nap, .seconds = 2, .result = UV_EIO)};
    asyncio_as_completed_t *it = asyncio_as_completed(futures, 2);
    asyncio_future_t *future;
    asyncio_coro_t waiter;

    assert_r(asyncio_as_completed_next(it, &future), 1);
    assert_r(asyncio_future_result(future), UV_EIO);
    assert_r(asyncio_as_completed_next_waiter(it, &waiter), 1);
    assert_r(asyncio_await(waiter), UV_EIO);
    asyncio_as_completed_unref(it);
    asyncio_future_unref_array(futures, 2);
}

SCENARIO(as_completed_without_memory_says_so_at_its_first_step)
{
    asyncio_future_t *futures[2] = {asyncio_future_new(),
                                    asyncio_future_new()};
    asyncio_as_completed_t *it;
    int r = 0;

    for (int i = 0; i < 2; i++)
        if (!asyncio_future_done(futures[i]))
            assert_r(asyncio_future_set_result(futures[i], NULL), 0);
        else
            r = asyncio_future_result(futures[i]);
    it = asyncio_as_completed(futures, 2, .timeout = 1);
    for (int i = 0; i < 2 && r >= 0; i++)
        r = asyncio_as_completed_next(it, NULL);
    asyncio_as_completed_unref(it);
    asyncio_future_unref_array(futures, 2);
    return r;
}

PLAIN(a_closed_loop_has_no_timers)
{
    asyncio_loop_t *loop;
    asyncio_task_t *tasks[40];
    asyncio_as_completed_t *it;

    assert_r(asyncio_testing_loop_factory(&loop), 0);
    for (int i = 0; i < 40; i++)
        tasks[i] =
            asyncio_loop_create_task(loop, asyncio_coro(nap, .seconds = 0));
    assert_r(asyncio_loop_run_until_complete(loop, tasks[39]), 0);
    assert_r(asyncio_loop_close(loop), 0);
    asyncio_set_event_loop(loop);
    it = asyncio_as_completed(tasks, 1, .timeout = 5);
    assert_r(asyncio_as_completed_next(it, NULL), UV_ENOMEM);
    asyncio_as_completed_unref(it);
    /* Their slots are no more. */
    asyncio_future_unref_array(tasks, 40);
    asyncio_set_event_loop(NULL);
    asyncio_loop_unref(loop);
}
