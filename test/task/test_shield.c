/* SPDX-License-Identifier: MIT */
/*
 * shield: what goes on when the one who waits does not.
 */
#include "scenes.h"

/* parity: test_tasks.py BaseTaskTests test_shield_result */
BEHAVIOUR(a_shield_ends_as_what_it_shields)
{
    asyncio_future_t *inner = asyncio_future_new();
    asyncio_future_t *outer = asyncio_shield_future(inner);
    int value;

    asyncio_future_set_result(inner, &value, .status = 42);
    assert_r(asyncio_await(outer), 42);
    ck_assert_ptr_eq(asyncio_future_value(outer), &value);
    asyncio_future_unref(outer);
    asyncio_future_unref(inner);
}

BEHAVIOUR(a_shield_fails_as_what_it_shields)
{
    asyncio_future_t *inner = asyncio_future_new();
    asyncio_future_t *outer = asyncio_shield_future(inner);

    catch_reports();
    asyncio_future_set_exception(inner, asyncio_raise(UV_EIO, "inner"));
    assert_r(asyncio_await(outer), UV_EIO);
    ck_assert_str_eq(newest_message(), "inner");
    asyncio_future_unref(outer);
    asyncio_future_unref(inner);
    ck_assert_int_eq(reports.count, 0);
}

/* parity: test_tasks.py BaseTaskTests test_shield_cancel_inner */
BEHAVIOUR(cancelling_the_inner_cancels_the_shield)
{
    asyncio_future_t *inner = asyncio_future_new();
    asyncio_future_t *outer = asyncio_shield_future(inner);

    passes(1);
    asyncio_future_cancel(inner);
    passes(1);
    ck_assert(asyncio_future_cancelled(outer));
    asyncio_future_unref(outer);
    asyncio_future_unref(inner);
}

/* parity: test_tasks.py BaseTaskTests test_shield_cancel_outer */
BEHAVIOUR(cancelling_the_shield_leaves_the_inner_alone)
{
    asyncio_future_t *inner = asyncio_future_new();
    asyncio_future_t *outer = asyncio_shield_future(inner);

    passes(1);
    ck_assert(asyncio_future_cancel(outer));
    passes(1);
    ck_assert(asyncio_future_cancelled(outer));
    ck_assert(!asyncio_future_done(inner));
    asyncio_future_set_result(inner, NULL);
    passes(2);
    asyncio_future_unref(outer);
    asyncio_future_unref(inner);
}

/* parity: test_tasks.py BaseTaskTests test_shield_shortcut */
BEHAVIOUR(a_shield_of_what_is_done_is_that)
{
    asyncio_future_t *inner = asyncio_future_new();

    asyncio_future_set_result(inner, NULL, .status = 42);
    asyncio_future_t *outer = asyncio_shield_future(inner);
    ck_assert_ptr_eq(outer, inner);
    call_trace("x");
    assert_r(asyncio_await(outer), 42);
    assert_trace("");
    passes(1);
    asyncio_future_unref(outer);
    asyncio_future_unref(inner);
}

static int
shields_nap(void *arg)
{
    (void) arg;
    return asyncio_shield(asyncio_coro(nap, .seconds = 1, .letter = 'n'));
}

/* parity: test_tasks.py BaseTaskTests test_shield_effect */
BEHAVIOUR(a_shielded_coroutine_outlives_a_cancelled_task)
{
    asyncio_task_t *task = asyncio_create_task(asyncio_coro(shields_nap));

    passes(2);
    asyncio_task_cancel(task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    assert_trace("");
    assert_r(asyncio_sleep(1.5), 0);
    assert_trace("n");
    asyncio_task_unref(task);
}

BEHAVIOUR(the_frame_of_a_shielded_coroutine_comes_back)
{
    struct nap frame = {.seconds = 1, .result = 4};

    assert_r(asyncio_shield(asyncio_coro_at(nap, &frame)), 4);
    frame.result = UV_EIO;
    assert_r(asyncio_shield(asyncio_coro_at(nap, &frame)), UV_EIO);
}

/* parity: test_tasks.py BaseTaskTests test_shield_gather */
BEHAVIOUR(a_shielded_gather_goes_on)
{
    asyncio_future_t *f[] = {asyncio_future_new(), asyncio_future_new()};
    asyncio_future_t *g = asyncio_gather_future(f, 2);
    asyncio_future_t *outer = asyncio_shield_future(g);

    passes(1);
    asyncio_future_cancel(outer);
    passes(1);
    ck_assert(asyncio_future_cancelled(outer));
    ck_assert(!asyncio_future_done(g));
    asyncio_future_set_result(f[0], NULL, .status = 1);
    asyncio_future_set_result(f[1], NULL, .status = 2);
    assert_r(asyncio_await(g), 0);
    asyncio_future_unref(outer);
    asyncio_future_unref(g);
    asyncio_future_unref_array(f, 2);
}

/* parity: test_tasks.py BaseTaskTests test_gather_shield */
BEHAVIOUR(cancelling_a_gather_of_shields_spares_what_they_shield)
{
    asyncio_future_t *f[] = {asyncio_future_new(), asyncio_future_new()};
    asyncio_future_t *s[] = {asyncio_shield_future(f[0]),
                             asyncio_shield_future(f[1])};
    asyncio_future_t *g = asyncio_gather_future(s, 2);

    passes(1);
    ck_assert(asyncio_future_cancel(g));
    assert_r(asyncio_await(g), ASYNCIO_ERR_CANCELLED);
    for (int i = 0; i < 2; i++) {
        ck_assert(asyncio_future_cancelled(s[i]));
        ck_assert(!asyncio_future_done(f[i]));
        asyncio_future_set_result(f[i], NULL);
    }
    passes(2);
    asyncio_future_unref(g);
    asyncio_future_unref_array(s, 2);
    asyncio_future_unref_array(f, 2);
}

/* parity: test_tasks.py BaseTaskTests test_shield_coroutine_without_loop */
PLAIN(shielding_a_coroutine_without_a_loop_fails)
{
    assert_r(asyncio_shield(asyncio_coro(forever)),
             ASYNCIO_ERR_NO_RUNNING_LOOP);
}

/* parity: test_tasks.py BaseTaskTests test_shield_coroutine_use_global_loop */
PLAIN(outside_shield_uses_the_loop_that_was_set)
{
    asyncio_loop_t *loop = virtual_loop();

    asyncio_set_event_loop(loop);
    asyncio_future_t *inner =
        asyncio_ensure_future(asyncio_coro(nap, .result = 42));
    asyncio_future_t *outer = asyncio_shield_future(inner);
    ck_assert_ptr_eq(asyncio_future_get_loop(outer), loop);
    assert_r(asyncio_loop_run_until_complete(loop, outer), 42);
    asyncio_future_unref(outer);
    asyncio_future_unref(inner);
    end_loop(loop);
}

/* parity: test_tasks.py BaseTaskTests test_shield_cancel_outer_result */
BEHAVIOUR(a_late_success_behind_a_shield_is_silent)
{
    asyncio_future_t *inner = asyncio_future_new();
    asyncio_future_t *outer = asyncio_shield_future(inner);

    catch_reports();
    asyncio_future_cancel(outer);
    passes(1);
    asyncio_future_set_result(inner, NULL);
    passes(2);
    ck_assert_int_eq(reports.count, 0);
    asyncio_future_unref(outer);
    asyncio_future_unref(inner);
}

static int
before_the_report(asyncio_future_t *future, void *arg)
{
    (void) future, (void) arg;
    ck_assert_int_eq(reports.count, 0);
    trace('c');
    return 0;
}

BEHAVIOUR(of_cancelled_shields_the_last_reports_a_late_failure)
{
    asyncio_future_t *inner = asyncio_future_new();
    asyncio_future_t *outer[] = {asyncio_shield_future(inner),
                                 asyncio_shield_future(inner)};

    catch_reports();
    asyncio_future_cancel(outer[0]);
    passes(1);
    asyncio_future_add_done_callback(inner, before_the_report, NULL);
    asyncio_future_cancel(outer[1]);
    passes(1);
    asyncio_future_set_exception(inner, UV_EIO);
    passes(2);
    assert_trace("c");
    ck_assert_int_eq(reports.count, 1);
    asyncio_future_unref(inner);
    asyncio_future_unref_array(outer, 2);
}

BEHAVIOUR(a_late_failure_behind_a_shield_is_reported)
{
    asyncio_future_t *inner = asyncio_future_new();
    asyncio_future_t *outer = asyncio_shield_future(inner);

    catch_reports();
    asyncio_future_cancel(outer);
    passes(1);
    asyncio_future_unref(outer);
    asyncio_future_set_exception(inner, UV_EIO);
    passes(2);
    ck_assert_int_eq(reports.count, 1);
    ck_assert_str_eq(reports.message, "exception in shielded future");
    ck_assert_int_eq(reports.code, UV_EIO);
    asyncio_future_unref(inner);
    ck_assert_int_eq(reports.count, 1);
}

static asyncio_context_var_t *var;
static void *seen;

static int
look_at_var(asyncio_loop_t *loop, const asyncio_exception_context_t *context,
            void *arg)
{
    (void) loop;
    (void) context;
    (void) arg;
    return asyncio_context_var_get(var, &seen);
}

BEHAVIOUR(a_late_failure_is_reported_in_the_context_of_the_shield)
{
    static int first, second;
    asyncio_future_t *inner = asyncio_future_new(), *outer;

    var = asyncio_context_var_new("var");
    assert_r(asyncio_context_var_set(var, &first), 0);
    outer = asyncio_shield_future(inner);
    assert_r(asyncio_context_var_set(var, &second), 0);
    asyncio_loop_set_exception_handler(asyncio_get_running_loop(), look_at_var,
                                       NULL);
    asyncio_future_cancel(outer);
    passes(1);
    asyncio_future_unref(outer);
    asyncio_future_set_exception(inner, UV_EIO);
    passes(2);
    ck_assert_ptr_eq(seen, &first);
    asyncio_future_unref(inner);
    asyncio_context_var_unref(var);
}

/* parity: test_tasks.py BaseTaskTests test_shield_duplicate_log_once */
BEHAVIOUR(two_cancelled_shields_report_once)
{
    asyncio_future_t *inner = asyncio_future_new();

    catch_reports();
    for (int i = 0; i < 2; i++) {
        asyncio_future_t *outer = asyncio_shield_future(inner);

        asyncio_future_cancel(outer);
        passes(1);
        asyncio_future_unref(outer);
    }
    asyncio_future_set_exception(inner, UV_EIO);
    passes(2);
    ck_assert_int_eq(reports.count, 1);
    asyncio_future_unref(inner);
}

BEHAVIOUR(shields_of_nothing_and_of_failures_fail)
{
    assert_r(asyncio_shield((asyncio_future_t *) NULL), UV_EINVAL);
    asyncio_task_t *refused =
        asyncio_create_task(asyncio_coro_new(NULL, NULL, 0));
    assert_r(asyncio_shield(refused), UV_EINVAL);
}
