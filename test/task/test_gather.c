/* SPDX-License-Identifier: MIT */
/*
 * gather: one future for several.
 */
#include "scenes.h"

static int
on_gathered(asyncio_future_t *future, void *arg)
{
    (void) arg;
    ck_assert(asyncio_future_done(future));
    trace('g');
    return 0;
}

static void
three(asyncio_future_t **f)
{
    for (int i = 0; i < 3; i++)
        f[i] = asyncio_future_new();
}

/* parity: test_tasks.py GatherTestsBase test_success */
/* parity: test_tasks.py GatherTestsBase test_result_exception_success */
BEHAVIOUR(gather_is_done_when_all_are, .times = 2)
{
    asyncio_future_t *f[3];

    three(f);
    asyncio_future_t *g =
        asyncio_gather_future(f, 3, .return_exceptions = _i == 1);
    asyncio_future_add_done_callback(g, on_gathered, NULL);
    asyncio_future_set_result(f[1], &f[1], .status = 1);
    asyncio_future_set_result(f[2], &f[2], .status = 2);
    passes(3);
    ck_assert(!asyncio_future_done(g));
    asyncio_future_set_result(f[0], &f[0], .status = 3);
    passes(3);
    assert_trace("g");
    assert_r(asyncio_future_result(g), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_eq(asyncio_future_value(f[i]), &f[i]);
    asyncio_future_unref(g);
    asyncio_future_unref_array(f, 3);
}

/* parity: test_tasks.py GatherTestsBase test_return_exceptions */
BEHAVIOUR(with_return_exceptions_errors_stay_with_their_futures)
{
    asyncio_future_t *f[3];

    catch_reports();
    three(f);
    asyncio_future_t *g = asyncio_gather_future(f, 3,
                                                .return_exceptions = true);
    asyncio_future_add_done_callback(g, on_gathered, NULL);
    asyncio_future_set_exception(f[1], UV_EIO);
    asyncio_future_cancel(f[2]);
    passes(3);
    assert_trace("");
    asyncio_future_set_result(f[0], NULL);
    assert_r(asyncio_await(g), 0);
    assert_r(asyncio_future_result(f[1]), UV_EIO);
    ck_assert(asyncio_future_cancelled(f[2]));
    asyncio_future_unref(g);
    asyncio_future_unref_array(f, 3);
    ck_assert_int_eq(reports.count, 0);
}

/* parity: test_tasks.py FutureGatherTests test_constructor_empty_sequence_without_loop */
PLAIN(a_gather_of_nothing_without_a_loop_fails)
{
    asyncio_future_t *g = asyncio_gather_future(NULL, 0);

    assert_r(asyncio_future_result(g), ASYNCIO_ERR_NO_RUNNING_LOOP);
    asyncio_future_unref(g);
}

/* parity: test_tasks.py FutureGatherTests test_constructor_empty_sequence_use_running_loop */
BEHAVIOUR(a_gather_of_nothing_is_done)
{
    asyncio_future_t *g = asyncio_gather_future(NULL, 0);

    ck_assert_ptr_eq(asyncio_future_get_loop(g), asyncio_get_running_loop());
    ck_assert(asyncio_future_done(g));
    assert_r(asyncio_await(g), 0);
    asyncio_future_unref(g);
}

/* parity: test_tasks.py FutureGatherTests test_constructor_empty_sequence_use_global_loop */
/* parity: test_tasks.py CoroutineGatherTests test_constructor_use_global_loop */
PLAIN(outside_gather_uses_the_loop_that_was_set)
{
    asyncio_loop_t *loop = virtual_loop();

    asyncio_set_event_loop(loop);
    asyncio_future_t *g = asyncio_gather_future(NULL, 0);
    ck_assert_ptr_eq(asyncio_future_get_loop(g), loop);
    asyncio_future_unref(g);

    asyncio_future_t *f[] = {
        asyncio_ensure_future(asyncio_coro(nap, .result = 1)),
        asyncio_ensure_future(asyncio_coro(nap, .result = 2))};
    g = asyncio_gather_future(f, 2);
    ck_assert_ptr_eq(asyncio_future_get_loop(g), loop);
    assert_r(asyncio_loop_run_until_complete(loop, g), 0);
    asyncio_future_unref(g);
    asyncio_future_unref_array(f, 2);
    asyncio_set_event_loop(NULL);
    end_loop(loop);
}

/* parity: test_tasks.py CoroutineGatherTests test_constructor_without_loop */
PLAIN(a_gather_of_coroutines_without_a_loop_fails)
{
    asyncio_future_t *f[] = {asyncio_ensure_future(asyncio_coro(forever))};
    asyncio_future_t *g = asyncio_gather_future(f, 1);

    assert_r(asyncio_future_result(g), ASYNCIO_ERR_NO_RUNNING_LOOP);
    asyncio_future_unref(g);
}

/* parity: test_tasks.py CoroutineGatherTests test_constructor_use_running_loop */
BEHAVIOUR(gathered_coroutines_run_in_the_running_loop)
{
    asyncio_future_t *f[] = {
        asyncio_ensure_future(asyncio_coro(nap, .result = 1)),
        asyncio_ensure_future(asyncio_coro(nap, .result = 2))};
    asyncio_future_t *g = asyncio_gather_future(f, 2);

    ck_assert_ptr_eq(asyncio_future_get_loop(g), asyncio_get_running_loop());
    assert_r(asyncio_await(g), 0);
    assert_r(asyncio_future_result(f[1]), 2);
    asyncio_future_unref(g);
    asyncio_future_unref_array(f, 2);
}

/* parity: test_tasks.py FutureGatherTests test_one_cancellation */
BEHAVIOUR(a_cancelled_child_is_a_failure_and_no_cancellation_of_gather)
{
    asyncio_future_t *f[3];

    three(f);
    asyncio_future_t *g = asyncio_gather_future(f, 3);
    asyncio_future_set_result(f[0], NULL);
    asyncio_future_cancel(f[1]);
    passes(2);
    ck_assert(asyncio_future_done(g));
    ck_assert(!asyncio_future_cancelled(g));
    ck_assert_int_eq(asyncio_exception_code(asyncio_future_exception(g)),
                     ASYNCIO_ERR_CANCELLED);
    ck_assert(!asyncio_future_done(f[2]));
    assert_r(asyncio_await(g), ASYNCIO_ERR_CANCELLED);
    ck_assert_uint_eq(asyncio_task_cancelling(asyncio_current_task()), 0);
    asyncio_future_unref(g);
    asyncio_future_unref_array(f, 3);
}

/* parity: test_tasks.py CoroutineGatherTests test_duplicate_coroutines */
BEHAVIOUR(the_same_task_given_again_runs_once)
{
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(nap, .letter = 'o'));
    asyncio_future_t *f[] = {task, task, task};

    assert_r(asyncio_gather(f, 3), 0);
    assert_trace("o");
    asyncio_task_unref(task);
}

struct gathers {
    asyncio_future_t **futures;
    size_t count;
    bool return_exceptions;
    asyncio_future_t *made;
};

static int
gathers(void *arg)
{
    struct gathers *self = arg;
    int r;

    self->made =
        asyncio_gather_future(self->futures, self->count,
                              .return_exceptions = self->return_exceptions);
    r = asyncio_await(self->made);
    return r;
}

/* parity: test_tasks.py CoroutineGatherTests test_cancellation_broadcast */
BEHAVIOUR(cancelling_who_gathers_cancels_all_the_way_down)
{
    asyncio_future_t *deep = asyncio_future_new();
    asyncio_task_t *tasks[] = {
        asyncio_create_task(asyncio_coro(await_it, .future = deep)),
        asyncio_create_task(asyncio_coro(forever))};
    asyncio_task_t *outer = asyncio_create_task(
        asyncio_coro(gathers, .futures = tasks, .count = 2));
    struct gathers *frame = asyncio_task_frame(outer);

    passes(2);
    ck_assert(asyncio_task_cancel(outer));
    assert_r(asyncio_await(outer), ASYNCIO_ERR_CANCELLED);
    for (int i = 0; i < 2; i++)
        ck_assert(asyncio_task_cancelled(tasks[i]));
    ck_assert(asyncio_future_cancelled(deep));
    passes(2);
    ck_assert(!asyncio_future_cancel(frame->made));
    asyncio_future_unref(frame->made);
    asyncio_task_unref(outer);
    asyncio_future_unref_array(tasks, 2);
    asyncio_future_unref(deep);
}

/* parity: test_tasks.py BaseTaskTests test_cancel_gather_2 */
BEHAVIOUR(a_cancelled_gather_that_returns_exceptions_still_raises)
{
    asyncio_task_t *tasks[] = {
        asyncio_create_task(asyncio_coro(nap, .seconds = 1))};
    asyncio_task_t *outer = asyncio_create_task(asyncio_coro(
        gathers, .futures = tasks, .count = 1, .return_exceptions = true));
    struct gathers *frame = asyncio_task_frame(outer);

    passes(2);
    ck_assert(asyncio_task_cancel(outer, .message = "my message"));
    assert_r(asyncio_await(outer), ASYNCIO_ERR_CANCELLED);
    ck_assert_str_eq(newest_message(), "my message");
    ck_assert(asyncio_task_cancelled(tasks[0]));
    asyncio_future_unref(frame->made);
    asyncio_task_unref(outer);
    asyncio_future_unref_array(tasks, 1);
}

static int
cancels_and_fails(void *arg)
{
    asyncio_future_t **gather = *(asyncio_future_t ***) arg;

    asyncio_future_cancel(*gather, .message = "my message");
    return UV_EIO;
}

BEHAVIOUR(a_gather_cancelled_by_its_last_child_has_its_message)
{
    asyncio_future_t *g = NULL, **gather = &g;
    asyncio_task_t *tasks[] = {asyncio_create_task(asyncio_coro_new(
        cancels_and_fails, &gather, sizeof gather))};

    g = asyncio_gather_future(tasks, 1, .return_exceptions = true);
    assert_r(asyncio_await(g), ASYNCIO_ERR_CANCELLED);
    ck_assert_str_eq(newest_message(), "my message");
    asyncio_future_unref(g);
    asyncio_future_unref_array(tasks, 1);
}

/* parity: test_tasks.py CoroutineGatherTests test_exception_marking */
BEHAVIOUR(a_second_failure_is_not_reported)
{
    asyncio_task_t *tasks[] = {
        asyncio_create_task(asyncio_coro(nap, .result = UV_EIO)),
        asyncio_create_task(
            asyncio_coro(nap, .seconds = 1, .result = UV_EPIPE))};

    catch_reports();
    assert_r(asyncio_gather(tasks, 2), UV_EIO);
    ck_assert_str_eq(newest_message(), "nap ");
    asyncio_future_unref_array(tasks, 2);
    assert_r(asyncio_sleep(2), 0);
    ck_assert_int_eq(reports.count, 0);
}

/* parity: test_tasks.py CoroutineGatherTests test_issue46672 */
BEHAVIOUR(a_bad_argument_makes_gather_fail_and_reports_nothing)
{
    asyncio_task_t *tasks[] = {
        asyncio_create_task(asyncio_coro(nap, .seconds = 1)), NULL};

    catch_reports();
    assert_r(asyncio_gather(tasks, 2), UV_EINVAL);
    assert_r(asyncio_gather(NULL, 2), UV_EINVAL);
    asyncio_future_unref_array(tasks, 2);
    assert_r(asyncio_sleep(2), 0);
    ck_assert_int_eq(reports.count, 0);
}

BEHAVIOUR(futures_of_two_loops_cannot_be_gathered)
{
    asyncio_loop_t *other = virtual_loop();
    asyncio_future_t *f[] = {asyncio_future_new(),
                             asyncio_loop_create_future(other)};

    assert_r(asyncio_gather(f, 2), ASYNCIO_ERR_VALUE);
    asyncio_future_unref_array(f, 2);
    end_loop(other);
}

struct hops {
    int left;
};

static int
hop(void *arg)
{
    static struct hops left = {3};

    (void) arg;
    trace('h');
    return --left.left > 0
        ? asyncio_loop_call_soon(asyncio_get_running_loop(), hop, NULL)
        : 0;
}

BEHAVIOUR(gather_costs_one_pass_more_than_awaiting_a_task, .times = 2)
{
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(nap, .seconds = -1, .letter = '1'));

    hop(NULL);
    if (_i == 0)
        assert_r(asyncio_await(task), 0);
    else
        assert_r(asyncio_gather(&task, 1), 0);
    assert_trace(_i == 0 ? "h1h" : "h1hh");
    passes(3);
    asyncio_task_unref(task);
}

BEHAVIOUR(the_first_error_finishes_gather_and_the_others_go_on)
{
    asyncio_task_t *tasks[] = {
        asyncio_create_task(asyncio_coro(nap, .seconds = 2, .letter = 'l')),
        asyncio_create_task(
            asyncio_coro(nap, .seconds = 1, .result = UV_EIO))};

    assert_r(asyncio_gather(tasks, 2), UV_EIO);
    ck_assert_int_eq(now_ms(), 1000);
    ck_assert(!asyncio_task_done(tasks[0]));
    assert_r(asyncio_await(tasks[0]), 0);
    assert_trace("l");
    asyncio_future_unref_array(tasks, 2);
}

BEHAVIOUR(a_gather_of_done_futures_is_done)
{
    asyncio_future_t *f[3];

    three(f);
    for (int i = 0; i < 3; i++)
        asyncio_future_set_result(f[i], NULL);
    asyncio_future_t *g = asyncio_gather_future(f, 3);
    ck_assert(asyncio_future_done(g));
    call_trace("x");
    assert_r(asyncio_await(g), 0);
    assert_trace("");
    passes(1);
    asyncio_future_unref(g);
    asyncio_future_unref_array(f, 3);
}

BEHAVIOUR(a_gather_of_a_task_that_was_refused_fails_like_it)
{
    asyncio_future_t *f[] = {
        asyncio_create_task(asyncio_coro_new(NULL, NULL, 0)),
        asyncio_create_task(asyncio_coro(nap, .seconds = 1))};

    assert_r(asyncio_gather(f, 2), UV_EINVAL);
    asyncio_future_unref_array(f, 2);
}

PLAIN(gathers_go_with_a_loop_that_is_closed_before_they_are_done, .times = 2)
{
    asyncio_loop_t *loop = virtual_loop();

    asyncio_set_event_loop(loop);
    asyncio_future_t *f = asyncio_loop_create_future(loop);
    asyncio_future_t *inner =
        _i == 0 ? asyncio_gather_future(&f, 1) : asyncio_shield_future(f);
    asyncio_future_t *outer = asyncio_gather_future(&inner, 1);
    asyncio_future_set_result(f, NULL);
    asyncio_future_unref(f);
    asyncio_future_unref(inner);
    asyncio_future_unref(outer);
    asyncio_set_event_loop(NULL);
    end_loop(loop);
}

BEHAVIOUR(gathers_may_be_nested)
{
    asyncio_future_t *level = asyncio_future_new();
    asyncio_future_t *first = level;

    for (int i = 0; i < 100; i++) {
        asyncio_future_t *g = asyncio_gather_future(&level, 1);

        if (level != first)
            asyncio_future_unref(level);
        level = g;
    }
    ck_assert(asyncio_future_cancel(level));
    assert_r(asyncio_await(level), ASYNCIO_ERR_CANCELLED);
    ck_assert(asyncio_future_cancelled(first));
    asyncio_future_unref(level);
    asyncio_future_unref(first);
}
