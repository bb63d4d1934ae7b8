/* SPDX-License-Identifier: MIT */
/*
 * Done callbacks: scheduled, in order, removable until they are scheduled.
 */
#include "scenes.h"

static int
mark(asyncio_future_t *future, void *arg)
{
    ck_assert(asyncio_future_done(future));
    trace(*(const char *) arg);
    return 0;
}

static int
other_mark(asyncio_future_t *future, void *arg)
{
    return mark(future, arg);
}

static char abc[] = "abc";

/* A future with the callbacks a, b and c. */
static asyncio_future_t *
with_three(void)
{
    asyncio_future_t *f = asyncio_future_new();

    for (int i = 0; i < 3; i++)
        assert_r(asyncio_future_add_done_callback(f, mark, &abc[i]), 0);
    return f;
}

static size_t
removed(asyncio_future_t *f, char *letter)
{
    return asyncio_future_remove_done_callback(f, mark, letter);
}

static void
finish(asyncio_future_t *f)
{
    assert_r(asyncio_future_set_result(f, NULL), 0);
    assert_trace("");
    passes(1);
    asyncio_future_unref(f);
}

/* parity: test_futures.py BaseFutureDoneCallbackTests test_callbacks_remove_first_callback */
BEHAVIOUR(the_first_callback_can_be_taken_back)
{
    asyncio_future_t *f = with_three();

    ck_assert_uint_eq(removed(f, &abc[0]), 1);
    ck_assert_uint_eq(removed(f, &abc[0]), 0);
    finish(f);
    assert_trace("bc");
}

/* parity: test_futures.py BaseFutureDoneCallbackTests test_callbacks_remove_first_and_second_callback */
BEHAVIOUR(two_callbacks_can_be_taken_back)
{
    asyncio_future_t *f = with_three();

    ck_assert_uint_eq(removed(f, &abc[0]), 1);
    ck_assert_uint_eq(removed(f, &abc[1]), 1);
    finish(f);
    assert_trace("c");
}

/* parity: test_futures.py BaseFutureDoneCallbackTests test_callbacks_remove_third_callback */
BEHAVIOUR(the_last_callback_can_be_taken_back)
{
    asyncio_future_t *f = with_three();

    ck_assert_uint_eq(removed(f, &abc[2]), 1);
    ck_assert_uint_eq(removed(f, &abc[2]), 0);
    finish(f);
    assert_trace("ab");
}

/* parity: test_futures.py BaseFutureDoneCallbackTests test_callbacks_invoked_on_set_result */
BEHAVIOUR(callbacks_run_in_the_pass_after_the_result_in_order)
{
    asyncio_future_t *f = with_three();

    assert_r(asyncio_future_set_result(f, NULL), 0);
    assert_trace("");
    passes(1);
    assert_trace("abc");
    passes(2);
    assert_trace("abc");
    asyncio_future_unref(f);
}

/* parity: test_futures.py BaseFutureDoneCallbackTests test_callbacks_invoked_on_set_exception */
BEHAVIOUR(callbacks_run_after_an_error_too)
{
    asyncio_future_t *f = with_three();

    assert_r(asyncio_future_set_exception(f, UV_EIO), 0);
    assert_trace("");
    passes(1);
    assert_trace("abc");
    assert_r(asyncio_future_result(f), UV_EIO);
    asyncio_future_unref(f);
}

BEHAVIOUR(callbacks_run_after_a_cancellation_too)
{
    asyncio_future_t *f = with_three();

    ck_assert(asyncio_future_cancel(f));
    assert_trace("");
    passes(1);
    assert_trace("abc");
    asyncio_future_unref(f);
}

/* parity: test_futures.py BaseFutureDoneCallbackTests test_remove_done_callback */
BEHAVIOUR(removing_tells_how_many_there_were)
{
    asyncio_future_t *f = asyncio_future_new();

    ck_assert_uint_eq(removed(f, &abc[0]), 0);
    for (int i = 0; i < 6; i++)
        asyncio_future_add_done_callback(f, mark, &abc[0]);
    asyncio_future_add_done_callback(f, other_mark, &abc[0]);
    asyncio_future_add_done_callback(f, mark, &abc[1]);
    ck_assert_uint_eq(removed(f, &abc[0]), 6);
    ck_assert_uint_eq(removed(f, &abc[0]), 0);
    finish(f);
    assert_trace("ab");
}

static int
remove_the_next(asyncio_future_t *future, void *arg)
{
    trace('r');
    ck_assert_uint_eq(removed(future, arg), 0);
    return 0;
}

/* parity: test_futures.py BaseFutureDoneCallbackTests test_schedule_callbacks_list_mutation_1 */
/* parity: test_futures.py BaseFutureDoneCallbackTests test_remove_done_callbacks_list_mutation */
BEHAVIOUR(what_is_scheduled_already_cannot_be_taken_back)
{
    asyncio_future_t *f = asyncio_future_new();

    asyncio_future_add_done_callback(f, remove_the_next, abc);
    asyncio_future_add_done_callback(f, mark, abc);
    asyncio_future_set_result(f, NULL);
    ck_assert_uint_eq(removed(f, abc), 0);
    passes(1);
    assert_trace("ra");
    asyncio_future_unref(f);
}

static void
drop_and_clear(void *arg)
{
    asyncio_future_t *f = arg;

    drops++;
    asyncio_future_remove_done_callback(f, mark, f);
    asyncio_future_add_done_callback(f, mark, abc);
}

/* parity: test_futures.py BaseFutureDoneCallbackTests test_remove_done_callbacks_list_clear */
/* parity: test_futures.py BaseFutureDoneCallbackTests test_schedule_callbacks_list_mutation_2 */
BEHAVIOUR(a_list_may_change_while_callbacks_are_taken_back)
{
    asyncio_future_t *f = asyncio_future_new();

    /* Dropping the first argument removes the others and adds one. */
    asyncio_future_add_done_callback(f, other_mark, f, .drop = drop_and_clear);
    for (int i = 0; i < 3; i++)
        asyncio_future_add_done_callback(f, mark, f);
    ck_assert_uint_eq(asyncio_future_remove_done_callback(f, other_mark, f),
                      1);
    ck_assert_int_eq(drops, 1);
    finish(f);
    assert_trace("a");
}

static int
add_one(asyncio_future_t *future, void *arg)
{
    trace('1');
    return asyncio_future_add_done_callback(future, mark, arg);
}

BEHAVIOUR(a_callback_added_to_a_done_future_runs_in_the_next_pass)
{
    asyncio_future_t *f = asyncio_future_new();

    asyncio_future_set_result(f, NULL);
    asyncio_future_add_done_callback(f, add_one, LETTER("2"));
    asyncio_future_add_done_callback(f, mark, LETTER("x"));
    assert_trace("");
    passes(1);
    assert_trace("1x");
    passes(1);
    assert_trace("1x2");
    asyncio_future_unref(f);
}

struct await_and_trace {
    asyncio_future_t *future;
};

static int
await_and_trace(void *arg)
{
    int r = asyncio_await(((struct await_and_trace *) arg)->future);

    trace('t');
    return r;
}

BEHAVIOUR(tasks_that_wait_and_callbacks_are_told_in_one_order)
{
    asyncio_future_t *f = asyncio_future_new();

    asyncio_future_add_done_callback(f, mark, LETTER("a"));
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(await_and_trace, .future = f));
    passes(1);
    asyncio_future_add_done_callback(f, mark, LETTER("b"));
    asyncio_future_set_result(f, NULL);
    passes(1);
    assert_trace("atb");
    asyncio_future_unref(task);
    asyncio_future_unref(f);
}

BEHAVIOUR(a_scheduled_callback_keeps_its_future)
{
    asyncio_future_t *f = asyncio_future_new();

    asyncio_future_add_done_callback(f, mark, LETTER("k"));
    asyncio_future_set_result(f, NULL);
    asyncio_future_unref(f);
    passes(1);
    assert_trace("k");
}

BEHAVIOUR(the_argument_is_dropped_once_whatever_happens, .times = 4)
{
    asyncio_future_t *f = asyncio_future_new();

    asyncio_future_add_done_callback(f, mark, abc, .drop = count_drop);
    if (_i == 0)
        asyncio_future_set_result(f, NULL);
    if (_i == 1)
        asyncio_future_cancel(f);
    if (_i == 2)
        ck_assert_uint_eq(removed(f, abc), 1);
    asyncio_future_unref(f); /* 3: it dies pending */
    passes(1);
    ck_assert_int_eq(drops, 1);
    assert_trace(_i < 2 ? "a" : "");
}

static int
fails(asyncio_future_t *future, void *arg)
{
    (void) future;
    (void) arg;
    return asyncio_raise(ASYNCIO_ERR_VALUE, "from a callback");
}

BEHAVIOUR(an_error_of_a_callback_goes_to_the_exception_handler)
{
    asyncio_future_t *f = asyncio_future_new();

    catch_reports();
    asyncio_future_add_done_callback(f, fails, NULL);
    asyncio_future_add_done_callback(f, mark, LETTER("s"));
    asyncio_future_set_result(f, NULL);
    passes(1);
    ck_assert_int_eq(reports.count, 1);
    ck_assert_int_eq(reports.code, ASYNCIO_ERR_VALUE);
    ck_assert_str_eq(reports.detail, "from a callback");
    assert_trace("s");
    asyncio_future_unref(f);
}

PLAIN(callbacks_that_never_ran_are_dropped_with_the_loop)
{
    asyncio_loop_t *loop = virtual_loop();
    asyncio_future_t *f = asyncio_loop_create_future(loop);

    asyncio_future_add_done_callback(f, mark, LETTER("z"), .drop = count_drop);
    asyncio_future_set_result(f, NULL);
    asyncio_future_unref(f);
    end_loop(loop);
    ck_assert_int_eq(drops, 1);
    assert_trace("");
}
