/* SPDX-License-Identifier: MIT */
/*
 * Futures by themselves: their states, what is refused in each, what is told
 * when one dies unread.
 */
#include "scenes.h"

#include <string.h>

/* parity: test_futures.py BaseFutureTests test_initial_state */
BEHAVIOUR(a_new_future_is_neither_done_nor_cancelled)
{
    asyncio_future_t *f = asyncio_future_new();

    ck_assert(!asyncio_future_done(f));
    ck_assert(!asyncio_future_cancelled(f));
    ck_assert(asyncio_future_cancel(f));
    ck_assert(asyncio_future_cancelled(f));
    ck_assert(asyncio_future_done(f));
    asyncio_future_unref(f);
}

/* parity: test_futures.py BaseFutureTests test_constructor_without_loop */
PLAIN(a_future_without_any_loop_has_failed)
{
    asyncio_future_t *f = asyncio_future_new();

    ck_assert(asyncio_future_done(f));
    assert_r(asyncio_future_result(f), ASYNCIO_ERR_NO_RUNNING_LOOP);
    ck_assert_ptr_null(asyncio_future_get_loop(f));
    asyncio_future_unref(f);
}

/* parity: test_futures.py BaseFutureTests test_constructor_use_running_loop */
BEHAVIOUR(a_future_belongs_to_the_running_loop)
{
    asyncio_future_t *f = asyncio_future_new();

    ck_assert_ptr_eq(asyncio_future_get_loop(f), asyncio_get_running_loop());
    asyncio_future_unref(f);
}

/* parity: test_futures.py BaseFutureTests test_constructor_use_global_loop */
PLAIN(outside_a_loop_a_future_belongs_to_the_one_that_was_set)
{
    asyncio_loop_t *loop = virtual_loop();

    asyncio_set_event_loop(loop);
    asyncio_future_t *f = asyncio_future_new();
    ck_assert_ptr_eq(asyncio_future_get_loop(f), loop);
    asyncio_future_unref(f);
    asyncio_set_event_loop(NULL);
    end_loop(loop);
}

/* parity: test_futures.py BaseFutureTests test_isfuture */
BEHAVIOUR(futures_and_tasks_are_futures_and_null_is_none)
{
    asyncio_future_t *f = asyncio_future_new();

    ck_assert(asyncio_isfuture(f));
    ck_assert(asyncio_isfuture(asyncio_current_task()));
    ck_assert(!asyncio_isfuture(NULL));
    asyncio_future_unref(f);
}

/* parity: test_futures.py BaseFutureTests test_future_cancel_message_getter */
BEHAVIOUR(the_message_of_a_cancel_is_kept)
{
    asyncio_future_t *f = asyncio_future_new();

    ck_assert(asyncio_future_cancel(f, .message = "my message"));
    const asyncio_exception_t *e = asyncio_future_exception(f);
    ck_assert_int_eq(asyncio_exception_code(e), ASYNCIO_ERR_CANCELLED);
    ck_assert_str_eq(asyncio_exception_message(e), "my message");
    assert_r(asyncio_future_result(f), ASYNCIO_ERR_CANCELLED);
    ck_assert_str_eq(newest_message(), "my message");
    asyncio_future_unref(f);
}

/* parity: test_futures.py BaseFutureTests test_exception */
BEHAVIOUR(a_future_is_finished_once)
{
    asyncio_future_t *f = asyncio_future_new();

    ck_assert_int_eq(asyncio_exception_code(asyncio_future_exception(f)),
                     ASYNCIO_ERR_INVALID_STATE);
    assert_r(asyncio_future_result(f), ASYNCIO_ERR_INVALID_STATE);
    assert_r(asyncio_future_set_exception(
                 f, asyncio_raise(ASYNCIO_ERR_VALUE, "no %d", 7)),
             0);
    ck_assert(!asyncio_future_cancelled(f));
    ck_assert(asyncio_future_done(f));
    assert_r(asyncio_future_result(f), ASYNCIO_ERR_VALUE);
    ck_assert_str_eq(newest_message(), "no 7");
    ck_assert_int_eq(asyncio_exception_code(asyncio_future_exception(f)),
                     ASYNCIO_ERR_VALUE);
    assert_r(asyncio_future_set_result(f, NULL), ASYNCIO_ERR_INVALID_STATE);
    assert_r(asyncio_future_set_exception(f, UV_EIO),
             ASYNCIO_ERR_INVALID_STATE);
    ck_assert(!asyncio_future_cancel(f));
    assert_r(asyncio_future_result(f), ASYNCIO_ERR_VALUE);
    asyncio_future_unref(f);
}

BEHAVIOUR(a_cancelled_future_cannot_be_set)
{
    asyncio_future_t *f = asyncio_future_new();

    asyncio_future_cancel(f);
    assert_r(asyncio_future_set_result(f, NULL), ASYNCIO_ERR_INVALID_STATE);
    assert_r(asyncio_future_set_exception(f, UV_EIO),
             ASYNCIO_ERR_INVALID_STATE);
    ck_assert(!asyncio_future_cancel(f));
    asyncio_future_unref(f);
}

BEHAVIOUR(only_errors_are_exceptions)
{
    asyncio_future_t *f = asyncio_future_new();

    assert_r(asyncio_future_set_exception(f, 0), ASYNCIO_ERR_TYPE);
    assert_r(asyncio_future_set_exception(f, 1), ASYNCIO_ERR_TYPE);
    assert_r(asyncio_future_set_result(f, NULL, .status = -1), UV_EINVAL);
    ck_assert(!asyncio_future_done(f));
    asyncio_future_unref(f);
}

/* parity: test_futures.py BaseFutureTests test_yield_from_twice */
/* parity: test_tasks.py BaseTaskTests test_step_result_future */
BEHAVIOUR(a_future_may_be_awaited_again)
{
    asyncio_future_t *f = asyncio_future_new();
    int value;

    assert_r(asyncio_future_set_result(f, &value, .status = 42), 0);
    assert_r(asyncio_await(f), 42);
    assert_r(asyncio_await(f), 42);
    ck_assert_ptr_eq(asyncio_future_value(f), &value);
    asyncio_future_unref(f);
}

BEHAVIOUR(awaiting_what_is_done_does_not_suspend)
{
    asyncio_future_t *f = asyncio_future_new();

    assert_r(call_trace("x"), 0);
    assert_r(asyncio_future_set_result(f, NULL), 0);
    assert_r(asyncio_await(f), 0);
    assert_trace("");
    passes(1);
    assert_trace("x");
    asyncio_future_unref(f);
}

/* parity: test_futures.py BaseFutureTests test_future_repr */
BEHAVIOUR(a_future_describes_its_state)
{
    static const char *const texts[] = {
        "<Future pending>", "<Future finished result=0>",
        "<Future finished exception=UV_EIO>", "<Future cancelled>"};
    char text[64];

    for (int i = 0; i < 4; i++) {
        asyncio_future_t *f = asyncio_future_new();

        if (i == 1)
            asyncio_future_set_result(f, NULL);
        if (i == 2)
            asyncio_future_set_exception(f, UV_EIO);
        if (i == 3)
            asyncio_future_cancel(f);
        ck_assert_uint_eq(asyncio_future_repr(f, text, sizeof text),
                          strlen(texts[i]));
        ck_assert_str_eq(text, texts[i]);
        ck_assert_uint_eq(asyncio_future_repr(f, text, 4), strlen(texts[i]));
        ck_assert_uint_eq(strlen(text), 3);
        (void) asyncio_future_exception(f);
        asyncio_future_unref(f);
    }
}

static int
finish_unless_cancelled(void *arg)
{
    asyncio_future_t *f = arg;

    return asyncio_future_cancelled(f) ? 0 : asyncio_future_set_result(f, f);
}

/* parity: test_futures.py BaseFutureTests test_set_result_unless_cancelled */
BEHAVIOUR(a_late_result_leaves_a_cancelled_future_alone)
{
    asyncio_future_t *f = asyncio_future_new();

    catch_reports();
    asyncio_loop_call_soon(asyncio_get_running_loop(),
                           finish_unless_cancelled, f);
    asyncio_future_cancel(f);
    passes(1);
    ck_assert(asyncio_future_cancelled(f));
    ck_assert_ptr_null(asyncio_future_value(f));
    ck_assert_int_eq(reports.count, 0);
    asyncio_future_unref(f);
}

BEHAVIOUR(an_error_nobody_read_is_reported_when_the_future_dies)
{
    asyncio_future_t *f = asyncio_future_new();

    catch_reports();
    asyncio_future_set_exception(f, asyncio_raise(UV_EIO, "disk 3"));
    asyncio_future_unref(f);
    ck_assert_int_eq(reports.count, 1);
    ck_assert_str_eq(reports.message, "Future exception was never retrieved");
    ck_assert_int_eq(reports.code, UV_EIO);
    ck_assert_str_eq(reports.detail, "disk 3");
    ck_assert_ptr_eq(reports.future, f);
}

BEHAVIOUR(an_error_that_was_looked_at_is_not_reported, .times = 5)
{
    asyncio_future_t *f = asyncio_future_new();

    catch_reports();
    assert_r(asyncio_future_set_exception(f, UV_EIO), 0);
    if (_i == 0)
        assert_r(asyncio_future_result(f), UV_EIO);
    else if (_i == 1)
        ck_assert_ptr_nonnull(asyncio_future_exception(f));
    else if (_i == 2)
        assert_r(asyncio_await(f), UV_EIO);
    else if (_i == 3)
        ck_assert(!asyncio_future_cancel(f));
    else
        assert_r(asyncio_wait_for(f, 1), UV_EIO);
    asyncio_future_unref(f);
    ck_assert_int_eq(reports.count, 0);
}

BEHAVIOUR(success_and_cancellation_may_go_unread)
{
    catch_reports();
    for (int i = 0; i < 2; i++) {
        asyncio_future_t *f = asyncio_future_new();

        if (i == 0)
            asyncio_future_set_result(f, NULL);
        else
            asyncio_future_cancel(f);
        asyncio_future_unref(f);
    }
    ck_assert_int_eq(reports.count, 0);
}

BEHAVIOUR(a_value_is_dropped_once_with_its_future)
{
    asyncio_future_t *f = asyncio_future_new();
    int value = 0;

    assert_r(asyncio_future_set_result(f, &value, .drop = count_drop), 0);
    assert_r(asyncio_future_set_result(f, &value, .drop = count_drop),
             ASYNCIO_ERR_INVALID_STATE);
    ck_assert_int_eq(drops, 0);
    asyncio_future_ref(f);
    asyncio_future_unref(f);
    ck_assert_int_eq(drops, 0);
    asyncio_future_unref(f);
    ck_assert_int_eq(drops, 1);
}

/* parity: test_tasks.py BaseTaskTests test_ensure_future_future */
/* parity: test_tasks.py BaseTaskTests test_ensure_future_error_msg */
BEHAVIOUR(ensure_future_gives_a_future_back_as_it_is)
{
    asyncio_future_t *f = asyncio_future_new();
    asyncio_loop_t *other = virtual_loop();

    ck_assert_ptr_eq(asyncio_ensure_future(f), f);
    asyncio_future_unref(f);
    asyncio_future_unref(f);

    /* One of another loop is refused where it is used. */
    f = asyncio_loop_create_future(other);
    assert_r(asyncio_await(f), ASYNCIO_ERR_WRONG_LOOP);
    ck_assert_str_eq(newest_message(),
                     "the future is attached to a different loop");
    asyncio_future_unref(f);
    end_loop(other);
}

/* parity: test_tasks.py BaseTaskTests test_ensure_future_task */
/* parity: test_tasks.py GenericTaskTests test_future_subclass */
BEHAVIOUR(a_task_is_a_future)
{
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(nap, .seconds = 1, .result = 3));

    ck_assert_ptr_eq(asyncio_ensure_future(task), task);
    asyncio_future_unref(task);
    ck_assert(!asyncio_future_done(task));
    assert_r(asyncio_await(task), 3);
    assert_r(asyncio_future_result(task), 3);
    ck_assert_ptr_eq(asyncio_future_value(task), asyncio_task_frame(task));
    asyncio_future_unref(task);
}

/* parity: test_tasks.py BaseTaskTests test_ensure_future_coroutine */
/* parity: test_tasks.py BaseTaskTests test_ensure_future_awaitable */
/* parity: test_tasks.py BaseTaskTests test_ensure_future_task_awaitable */
BEHAVIOUR(ensure_future_makes_a_task_of_a_coroutine)
{
    asyncio_future_t *f = asyncio_ensure_future(asyncio_coro(nap,
                                                             .result = 5));

    ck_assert_ptr_eq(asyncio_future_get_loop(f), asyncio_get_running_loop());
    ck_assert(asyncio_task_get_coro(f).fn == nap);
    assert_r(asyncio_await(f), 5);
    asyncio_future_unref(f);
}

PLAIN(ensure_future_without_a_loop_fails)
{
    asyncio_future_t *f = asyncio_ensure_future(asyncio_coro(forever));

    assert_r(asyncio_future_result(f), ASYNCIO_ERR_NO_RUNNING_LOOP);
    asyncio_future_unref(f);
}

PLAIN(ensure_future_outside_uses_the_loop_that_was_set)
{
    asyncio_loop_t *loop = virtual_loop();

    asyncio_set_event_loop(loop);
    asyncio_future_t *f = asyncio_ensure_future(asyncio_coro(nap,
                                                             .result = 6));
    ck_assert_ptr_eq(asyncio_future_get_loop(f), loop);
    assert_r(asyncio_loop_run_until_complete(loop, f), 6);
    asyncio_future_unref(f);
    end_loop(loop);
    ck_assert_ptr_null(asyncio_get_event_loop());
}

/* parity: test_tasks.py BaseTaskTests test_ensure_future_neither */
BEHAVIOUR(ensure_future_of_nothing_fails)
{
    asyncio_coro_t none = asyncio_coro_new(NULL, NULL, 0);
    asyncio_future_t *f = asyncio_ensure_future(none);

    assert_r(asyncio_await(f), UV_EINVAL);
    asyncio_future_unref(f);
    ck_assert_ptr_null(asyncio_ensure_future((asyncio_future_t *) NULL));
}

PLAIN(a_future_outlives_its_loop)
{
    asyncio_loop_t *loop = virtual_loop();
    asyncio_future_t *f = asyncio_loop_create_future(loop);

    end_loop(loop);
    assert_r(asyncio_future_set_result(f, NULL), 0);
    assert_r(asyncio_future_result(f), 0);
    asyncio_future_unref(f);
}
